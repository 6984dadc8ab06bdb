import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { pino } from 'pino';
import { createApp } from '../../server/app.ts';
import { createTenant } from '../../server/tenants/tenants.ts';
import { createTestDatabase } from '../../server/testing/database.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../server/testing/factories.ts';
import { CommandLine, linekeeper, start } from '../testing/command-line.ts';

const cli = new CommandLine();

/** A follower, and a way to wait for what it says. */
function following(args: string[], environment = cli.env) {
  const child = start(['events', 'follow', ...args], environment);
  const said = { stdout: '', stderr: '' };
  let changed = Promise.withResolvers<void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', text => {
      said[name] += text;
      changed.resolve();
      changed = Promise.withResolvers();
    });
  }
  return {
    said,
    async until(name: 'stdout' | 'stderr', text: string) {
      while (!said[name].includes(text)) await changed.promise;
    },
    async interrupt() {
      child.kill('SIGINT');
      return (await once(child, 'close'))[0];
    },
  };
}

test('the log is a table, and --after and --limit choose a part', async () => {
  const own = await newOrganization(cli.server);
  const user = await newUser(cli.server, own);
  const number = uniqueNumber();
  await newNumbers(cli.server, own, [{ phone_number: number }]);
  await cli.server.call('POST', `/v1/sms/phone-numbers/${number}/assign`, { body: { user_id: user } });
  const args = ['events', 'list', '--organization', own];
  const { code, stdout, stderr } = await linekeeper(args, cli.env);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '4 events\n' });
  const [headings, created, joined, added, assigned] = stdout.split('\n');
  assert.match(headings!, /^REVISION +AT +EVENT +BY +ABOUT +CHANGES$/);
  assert.match(created!, new RegExp(`^1 +\\S+Z +organization\\.created +key \\S{36} +${own} +-$`));
  assert.match(joined!, new RegExp(`^2 .* user\\.created .* ${user} +-$`));
  assert.match(added!, new RegExp(`^3 .* numbers\\.added .* \\${number} +-$`));
  const changes = `status available → assigned, user_id - → ${user}`;
  assert.match(assigned!, new RegExp(`^4 .* number\\.assigned .* \\${number} +${changes}$`));

  const some = await linekeeper([...args, '--after', '1', '--limit', '2'], cli.env);
  assert.deepEqual(some.stdout.match(/^\d+/gm), ['2', '3']);
  assert.match(some.stderr, /^2 events, and there are more: --after 3-\d+\n$/);
  const json = JSON.parse((await linekeeper([...args, '--json'], cli.env)).stdout);
  assert.deepEqual([json.count, json.revision], [4, 4]);
});

test('a follower prints a line for each event that happens, and Ctrl-C ends it quietly', async () => {
  const own = await newOrganization(cli.server);
  const follower = following(['--organization', own]);
  await follower.until('stderr', 'Ctrl-C');
  const number = uniqueNumber();
  await newNumbers(cli.server, own, [{ phone_number: number }]);
  await follower.until('stdout', number);
  assert.equal(await follower.interrupt(), 0);
  assert.match(follower.said.stdout, /^REVISION .*\n2 +\S+Z +numbers\.added .*\n$/);
  assert.equal(follower.said.stderr, `Waiting for events of ${own} after revision 1; Ctrl-C ends it\n`);
});

test('with --json each event is a document on its own line, from the given revision on', async () => {
  const own = await newOrganization(cli.server);
  const follower = following(['--organization', own, '--after', '0', '--json']);
  await follower.until('stdout', 'organization.created');
  const number = uniqueNumber();
  await newNumbers(cli.server, own, [{ phone_number: number }]);
  await follower.until('stdout', number);
  assert.equal(await follower.interrupt(), 0);
  const events = follower.said.stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
  assert.deepEqual(
    events.map(({ revision, type }) => [revision, type]),
    [
      [1, 'organization.created'],
      [2, 'numbers.added'],
    ],
  );
  assert.equal(follower.said.stderr, '');
});

test('a follower goes on after a restart of the server, and leaves no event out', async () => {
  const database = await createTestDatabase();
  const open = async (port: number) => {
    const app = await createApp({ database, brand: 'Teli', log: pino({ level: 'silent' }) });
    await app.listen({ host: '127.0.0.1', port });
    return app;
  };
  let app = await open(0);
  try {
    const { port } = app.server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    const key = (await createTenant(database.db, 'Restarted', 'test')).secret;
    const mine = { LINEKEEPER_URL: url, LINEKEEPER_API_KEY: key };
    const create = (id: string) => linekeeper(['organizations', 'create', id, '--id', id], mine);
    await create('org_here');
    const follower = following(['--organization', 'org_here'], mine);
    await follower.until('stderr', 'Ctrl-C');
    await app.close();
    await follower.until('stderr', 'trying again');
    app = await open(port);
    const edit = await linekeeper(['organizations', 'edit', 'org_here', '--name', 'There'], mine);
    assert.equal(edit.code, 0);
    await follower.until('stdout', 'organization.edited');
    assert.equal(await follower.interrupt(), 0);
    assert.match(follower.said.stdout, /\n2 .* name org_here → There\n$/);
    assert.match(follower.said.stderr, /[^.]; trying again until it is back\nThe server is back\n$/);
  } finally {
    await app.close();
    await database.drop();
  }
});

test('a follower ends when waiting cannot help: no such organization, no such place in the log', async () => {
  const none = await linekeeper(['events', 'follow', '--organization', 'org_nope'], cli.env);
  assert.deepEqual([none.code, none.stdout], [1, '']);
  assert.match(none.stderr, /^error: Organization not found\n/);
  const own = await newOrganization(cli.server);
  // The log of a restored database has neither: an end before it, or another revision 1.
  for (const place of ['9', '1-1705314600000']) {
    const lost = await linekeeper(['events', 'follow', '--organization', own, '--after', place], cli.env);
    assert.deepEqual([lost.code, lost.stdout], [1, '']);
    assert.match(
      lost.stderr,
      /^error: The log does not go on from that revision\n .*again from the beginning\./,
    );
  }
});
