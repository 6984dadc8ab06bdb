import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { newAccount } from '../server/reconciliation/testing.ts';
import { own, setFaults } from '../server/testing/carrier-numbers.ts';
import { newOrganization, uniqueNumber } from '../server/testing/factories.ts';
import { startTestServer, type TestServer } from '../server/testing/server.ts';
import { readRule } from './carrier-rules.ts';
import { linekeeper } from './testing.ts';

let server: TestServer;
let env: NodeJS.ProcessEnv;
let folder: string;
let account: string;
let acme: string;
let other: string;
before(async () => {
  server = await startTestServer();
  env = { LINEKEEPER_URL: server.url, LINEKEEPER_API_KEY: server.key };
  folder = await mkdtemp(join(tmpdir(), 'lk-adopt-'));
});
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  account = await newAccount(server);
  acme = await newOrganization(server);
  other = await newOrganization(server);
});

const carriers = (...args: string[]) => linekeeper(['carriers', ...args], env);
const listed = async (organization: string): Promise<number> =>
  (await server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`)).body.count;

test('adopt shows what it would do, does it with --yes, and changes nothing when it is repeated', async () => {
  const numbers = Array.from({ length: 4 }, uniqueNumber);
  await own(
    server.database.db,
    account,
    numbers.map((phone_number, index) => ({ phone_number, tags: index < 2 ? ['acme'] : [] })),
  );
  const file = join(folder, 'numbers.csv');
  await writeFile(file, `\ufeffOrganization_ID,phone_number\n${other},${numbers[2]!.slice(2)}\n\n`);
  const where = ['adopt', account, '--rule', `tag=acme:${acme}`, '--map', file];
  const rehearsal = await carriers(...where);
  assert.equal(rehearsal.stderr, 'Nothing was taken over: this is what --yes would do\n');
  assert.match(
    rehearsal.stdout,
    new RegExp(
      `Would take over +3\nWould link +0\nNo rule fits +1\nElsewhere, not moved +0\n\nORG.*\n${acme} +2 `,
    ),
  );
  assert.deepEqual([rehearsal.code, await listed(acme), await listed(other)], [0, 0, 0]);

  const done = await carriers(...where, '--yes');
  assert.match(done.stdout, /Status +done\n(.*\n)*Taken over +3\n/);
  assert.deepEqual([done.code, done.stderr, await listed(acme), await listed(other)], [0, '', 2, 1]);
  const again = await carriers(...where, '--yes', '--json');
  const { run } = JSON.parse(again.stdout);
  assert.deepEqual([run.counts.adopted, run.counts.already_here, run.status], [0, 3, 'done']);
});

test('compare, the piles, and what is made of them', async () => {
  const [kept, given] = [uniqueNumber(), uniqueNumber()];
  await own(server.database.db, account, [{ phone_number: kept, name: 'Desk' }, { phone_number: given }]);
  const begun = await carriers('compare', account, '--json');
  assert.equal(JSON.parse(begun.stdout).run.type, 'compare');
  let followed = await carriers('compare', account, '--follow', '--json');
  while (JSON.parse(followed.stdout || '{}').code === 'run_running')
    followed = await carriers('compare', account, '--follow', '--json');
  const { run } = JSON.parse(followed.stdout);
  assert.deepEqual([followed.code, run.counts.not_here], [0, 2]);

  const drift = await carriers('drift', run.id, '--pile', 'not_here');
  assert.match(drift.stdout, new RegExp(`^NUMBER.*\n\\${kept} +not_here +- +Desk`, 'm'));
  assert.equal(drift.stderr, '2 numbers\n');
  assert.equal((await carriers('drift', run.id, '--limit', '1')).stderr, '1 number, and there are more\n');
  const adopted = await carriers('resolve', run.id, kept, '--adopt', acme);
  assert.match(adopted.stdout, /Resolved +adopted\n$/);
  const released = await carriers('resolve', run.id, given, '--release-at-carrier');
  assert.match(released.stdout, /Resolved +released_at_carrier\n$/);
  assert.match((await carriers('resolve', run.id, given, '--ignore')).stderr, /resolved already/);
  const all = await carriers('drift', run.id, '--include-resolved', '--json');
  assert.equal(JSON.parse(all.stdout).count, 2);
  const runs = await carriers('runs', account);
  assert.match(runs.stdout, new RegExp(`${run.id} +compare +done`));
  assert.equal(runs.stderr, '2 runs\n');
});

test('a run that comes to nothing ends with 1 and says why', async () => {
  await setFaults(server.database.db, account, [{ call: 'list', kind: 'authentication_failed', times: 1 }]);
  const failed = await carriers('adopt', account, '--rule', `everything:${acme}`, '--yes');
  assert.match(failed.stdout, /Status +failed\n/);
  assert.deepEqual(
    [failed.code, failed.stderr],
    [1, 'error: The sandbox was told to say authentication_failed\n'],
  );
  const unknown = await carriers('adopt', account, '--rule', 'everything:org_none');
  assert.deepEqual([unknown.code, unknown.stdout], [1, '']);
  assert.match(unknown.stderr, /^error: rules\[0\]\.organization_id is not an organization\n/);
  const file = join(folder, 'wrong.csv');
  await writeFile(file, 'number,org\n1,2\n');
  assert.match((await carriers('adopt', account, '--map', file)).stderr, /must name two columns/);
});

test('a rule is conditions and an organization', () => {
  assert.deepEqual(readRule('everything:org_b', readRule('name=Desk: a, b,tag=x,area_code=415:org_a')), [
    { organization_id: 'org_a', name: 'Desk: a, b', tag: 'x', area_code: '415' },
    { organization_id: 'org_b', everything: true },
  ]);
});
