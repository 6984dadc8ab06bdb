import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestServer, type TestServer } from '../testing/server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(server.url + path, { headers, redirect: 'manual' });

test('the document is the same in every encoding, and is not sent again to who has it', async () => {
  const plain = await get('/openapi.json', { 'accept-encoding': 'identity' });
  const gzipped = await get('/openapi.json', { 'accept-encoding': 'br, gzip' });
  assert.equal(plain.headers.get('content-encoding'), null);
  assert.equal(gzipped.headers.get('content-encoding'), 'gzip');
  assert.deepEqual(await gzipped.json(), await plain.json());
  const tag = plain.headers.get('etag')!;
  const known = await get('/openapi.json', { 'if-none-match': tag });
  assert.deepEqual([known.status, await known.text(), known.headers.get('etag')], [304, '', tag]);
  assert.equal((await get('/openapi.json', { 'if-none-match': 'W/"other"' })).status, 200);
});

test('the page reads that document, and no other copy of it is made', async () => {
  for (const path of ['/docs/json', '/docs/yaml']) {
    const reply = await get(path);
    assert.deepEqual([reply.status, reply.headers.get('location')], [308, '/openapi.json']);
  }
  assert.match(await (await get('/docs/static/swagger-initializer.js')).text(), /"url":"\/openapi\.json"/);
  const style = await get('/docs/static/index.css');
  assert.deepEqual([style.status, style.headers.get('x-frame-options')], [200, 'DENY']);
});

test('a path that leads out of the folder of the page is a 404', async () => {
  for (const path of [
    '/docs/static/%2e%2e/index.css',
    '/docs/static/....//index.css',
    '/docs/static/%2E%2e%2fpackage.json',
  ])
    assert.equal((await get(path)).status, 404, path);
});
