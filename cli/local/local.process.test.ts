import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { linekeeper, start } from '../testing/command-line.ts';

let env: NodeJS.ProcessEnv;
let home: string;
before(async () => {
  home = await mkdtemp(join(tmpdir(), 'lk-cli-'));
  env = { LINEKEEPER_HOME: home, LINEKEEPER_DEMO: '0', PORT: '0' };
});
after(() => rm(home, { recursive: true }));

const running = () => existsSync(join(home, 'data', 'postmaster.pid'));

test('without a server, the embedded PostgreSQL runs as long as the command', async () => {
  const migrated = await linekeeper(['migrate'], env);
  assert.match(migrated.stdout, /^Applied 0001_/);
  assert.deepEqual({ code: migrated.code, running: running() }, { code: 0, running: false });
  const { code, stdout, stderr } = await linekeeper(['tenants', 'create', 'Acme'], env);
  assert.match(stdout, /^Tenant ID +\S{36}\nName +Acme\nAPI key +lk_live_\w{38}\n$/);
  assert.equal(stderr, 'Keep the key: it is shown only this once.\n');
  assert.deepEqual({ code, running: running() }, { code: 0, running: false });
});

test('a tenant is created in the database of a running server, which runs on', async () => {
  const server = start(['serve'], env);
  try {
    let banner = '';
    for await (const text of server.stdout.setEncoding('utf8')) {
      banner += text;
      if (banner.includes('/docs')) break;
    }
    const url = /http:\S+(?=\/docs)/.exec(banner)?.[0];
    const { stdout } = await linekeeper(['tenants', 'create', 'Beside', '--json'], env);
    const client = { LINEKEEPER_URL: url, LINEKEEPER_API_KEY: JSON.parse(stdout).api_key };
    const list = await linekeeper(['organizations', 'list'], client);
    assert.deepEqual(list, { code: 0, stdout: '', stderr: '0 organizations\n' });
    assert.match((await linekeeper(['migrate'], env)).stdout, /^Nothing to do/);

    const second = await linekeeper(['serve'], env);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /^error: .* is in use by another Linekeeper server .*\n$/);
    assert.ok(running());
  } finally {
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGTERM');
      await once(server, 'exit');
    }
  }
  assert.ok(!running());
});
