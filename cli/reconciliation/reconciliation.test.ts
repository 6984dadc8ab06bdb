import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { newAccount } from '../../server/reconciliation/testing.ts';
import { own, setFaults } from '../../server/testing/carrier-numbers.ts';
import { newOrganization, uniqueNumber } from '../../server/testing/factories.ts';
import { CommandLine, linekeeper } from '../testing/command-line.ts';
import { readRule } from './rules.ts';

const cli = new CommandLine();
let folder: string;
let account: string;
let acme: string;
let other: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lk-adopt-'));
});
after(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  account = await newAccount(cli.server);
  acme = await newOrganization(cli.server);
  other = await newOrganization(cli.server);
});

const carriers = (...args: string[]) => linekeeper(['carriers', ...args], cli.env);
const listed = async (organization: string): Promise<number> =>
  (await cli.server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`)).body.count;

test('adopt shows a plan, carries it out with --yes, and changes nothing when run again', async () => {
  const numbers = Array.from({ length: 4 }, uniqueNumber);
  await own(
    cli.server.database.db,
    account,
    numbers.map((phone_number, index) => ({ phone_number, tags: index < 2 ? ['acme'] : [] })),
  );
  const file = join(folder, 'numbers.csv');
  await writeFile(file, `\ufeffOrganization_ID,phone_number\n${other},${numbers[2]!.slice(2)}\n\n`);
  const where = ['adopt', account, '--rule', `tag=acme:${acme}`, '--map', file];
  const rehearsal = await carriers(...where);
  assert.equal(rehearsal.stderr, 'Nothing was taken over. With --yes this would be done.\n');
  assert.match(
    rehearsal.stdout,
    new RegExp(
      `Would take over +3\nWould link +0\nNo rule matches +1\nIn another organization +0\n\nORG.*\n${acme} +2 `,
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

test('compare finds differences, drift lists them, resolve settles them', async () => {
  const [kept, given] = [uniqueNumber(), uniqueNumber()];
  await own(cli.server.database.db, account, [{ phone_number: kept, name: 'Desk' }, { phone_number: given }]);
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
  assert.match((await carriers('resolve', run.id, given, '--ignore')).stderr, /already resolved/);
  const all = await carriers('drift', run.id, '--include-resolved', '--json');
  assert.equal(JSON.parse(all.stdout).count, 2);
  const runs = await carriers('runs', account);
  assert.match(runs.stdout, new RegExp(`${run.id} +compare +done`));
  assert.equal(runs.stderr, '2 runs\n');
});

test('a run that fails ends with 1 and says why', async () => {
  await setFaults(cli.server.database.db, account, [
    { call: 'list', kind: 'authentication_failed', times: 1 },
  ]);
  const failed = await carriers('adopt', account, '--rule', `everything:${acme}`, '--yes');
  assert.match(failed.stdout, /Status +failed\n/);
  assert.deepEqual(
    [failed.code, failed.stderr],
    [1, 'error: The sandbox was told to say authentication_failed\n'],
  );
  const unknown = await carriers('adopt', account, '--rule', 'everything:org_none');
  assert.deepEqual([unknown.code, unknown.stdout], [1, '']);
  assert.match(unknown.stderr, /^error: rules\[0\]\.organization_id does not exist\n/);
  const file = join(folder, 'wrong.csv');
  await writeFile(file, 'number,org\n1,2\n');
  assert.match((await carriers('adopt', account, '--map', file)).stderr, /must name two columns/);
  await writeFile(
    file,
    `\ufeffphone_number;organization_id\r\n;\r\n12;${acme}\r\n\r\n+14155550100;org_none\r\n`,
  );
  assert.match(
    (await carriers('adopt', account, '--map', file)).stderr,
    /^error: line 3: phone_number .*; line 5: organization_id does not exist\n/,
  );
});

test('a rule is read as conditions and an organization', () => {
  assert.deepEqual(readRule('everything:org_b', readRule('name=Desk: a, b,tag=x,area_code=415:org_a')), [
    { organization_id: 'org_a', name: 'Desk: a, b', tag: 'x', area_code: '415' },
    { organization_id: 'org_b', everything: true },
  ]);
});
