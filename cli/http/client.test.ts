import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { newOrganization } from '../../server/testing/factories.ts';
import { CommandLine, linekeeper } from '../testing/command-line.ts';

const cli = new CommandLine();

const listKeys = ['keys', 'list'];

/** Runs `keys list` against some other HTTP server. */
async function listKeysAt(listener: RequestListener, path = '') {
  const other = createServer(listener);
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}${path}`;
  try {
    return { url, ...(await linekeeper(listKeys, { ...cli.env, LINEKEEPER_URL: url })) };
  } finally {
    other.close();
  }
}

test('an unreachable server ends with 3, and the message says what to do', async () => {
  const gone = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => gone.on('listening', resolve));
  const url = `http://127.0.0.1:${(gone.address() as AddressInfo).port}`;
  await new Promise(resolve => gone.close(resolve));
  const { code, stdout, stderr } = await linekeeper(listKeys, { ...cli.env, LINEKEEPER_URL: url });
  assert.deepEqual({ code, stdout }, { code: 3, stdout: '' });
  assert.ok(stderr.startsWith(`error: No server answers at ${url} (`), stderr);
  assert.match(stderr, /linekeeper serve/);
});

test('without a key it ends with 2, and the message names the variable and where to get a key', async () => {
  const { code, stderr } = await linekeeper(listKeys, { LINEKEEPER_URL: cli.server.url });
  assert.equal(code, 2);
  assert.match(stderr, /^error: LINEKEEPER_API_KEY is not set[\s\S]*tenants create/);
});

test('a wrong key ends with 1 and the request id', async () => {
  const wrong = { ...cli.env, LINEKEEPER_API_KEY: 'lk_live_wrong' };
  const { code, stdout, stderr } = await linekeeper(listKeys, wrong);
  assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
  assert.match(stderr, /^error: Invalid API key\n {7}Check LINEKEEPER_API_KEY\.\n {7}request_id \S+\n$/);
});

test('a refusal shows its detail too', async () => {
  const reader = await cli.server.newKey({ permission: 'read' });
  const { code, stderr } = await linekeeper(listKeys, { ...cli.env, LINEKEEPER_API_KEY: reader });
  assert.equal(code, 1);
  assert.match(stderr, /^error: Admin permission required\n {7}This action requires admin privileges\n/);
});

test('a refusal that a setting would end names the command for it', async () => {
  const organization = await newOrganization(cli.server);
  const { code, stderr } = await cli.run('numbers', 'search', '--organization', organization);
  assert.equal(code, 1);
  assert.match(stderr, /^error: Multi-SMS numbers not enabled .*\n {7}With an admin key .* --purchases on /);
});

test('with --json the error body is on stderr and stdout is empty', async () => {
  const { code, stdout, stderr } = await linekeeper(['organizations', 'show', 'org_nope', '--json'], cli.env);
  assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
  assert.equal(JSON.parse(stderr).code, 'organization_not_found');
});

for (const url of ['127.0.0.1:8080', 'ftp://127.0.0.1', 'http://someone:secret@127.0.0.1']) {
  test(`LINEKEEPER_URL=${url} is wrong usage`, async () => {
    const { code, stderr } = await linekeeper(listKeys, { ...cli.env, LINEKEEPER_URL: url });
    assert.equal(code, 2);
    assert.match(stderr, /^error: LINEKEEPER_URL must be/);
    assert.doesNotMatch(stderr, /secret/);
  });
}

test('the URL may have a path, as behind a proxy', async () => {
  let asked: string | undefined;
  const { code } = await listKeysAt((request, reply) => {
    asked = request.url;
    reply.end('{"success":true,"keys":[],"count":0}');
  }, '/numbers/');
  assert.deepEqual({ code, asked }, { code: 0, asked: '/numbers/v1/keys' });
});

test('the key does not follow a redirection', async () => {
  const { code, stderr } = await listKeysAt((_, reply) =>
    reply.writeHead(302, { location: `${cli.server.url}/v1/keys` }).end(),
  );
  assert.equal(code, 1);
  assert.match(stderr, /redirects to http:/);
});

test('an answer from another program is recognized', async () => {
  for (const status of [200, 502]) {
    const { code, stdout, stderr } = await listKeysAt((_, reply) => reply.writeHead(status).end('<html>'));
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
    assert.match(stderr, /is not one of Linekeeper's: check LINEKEEPER_URL/);
  }
});

test('a connection that breaks ends with 1, not 3: the server may have done the work', async () => {
  const { code, stderr } = await listKeysAt(request => request.socket.destroy());
  assert.equal(code, 1);
  assert.match(stderr, /was lost before the answer was complete/);
});

test('text of a server is escaped in errors too', async () => {
  const { stderr } = await listKeysAt((_, reply) =>
    reply.writeHead(400).end(JSON.stringify({ error: '\x1b[31mred', request_id: '\x07' })),
  );
  assert.equal(stderr, 'error: \\x1b[31mred\n       request_id \\x07\n');
});
