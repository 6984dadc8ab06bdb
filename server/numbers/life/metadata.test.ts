import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newNumbers, newOrganization, uniqueNumber } from '../../testing/factories.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';

let server: TestServer;
let number: string;
before(async () => {
  server = await startTestServer();
  number = uniqueNumber();
  await newNumbers(server, await newOrganization(server), [{ phone_number: number }]);
});
after(() => server.stop());

const edit = (metadata: unknown) =>
  server.call('PATCH', `/v1/sms/phone-numbers/${encodeURIComponent(number)}`, { body: { metadata } });
const inside = (levels: number): unknown => (levels === 0 ? 'x' : { a: inside(levels - 1) });
const fields = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`field ${index}`, index]));

test('metadata within the limits is stored as given', async () => {
  const longest = { a: 'x'.repeat(8000 - '{"a":""}'.length) };
  const odd = { '': null, 'a b': [1.5, -0.25, 1e300], constructor: 'x', 電話: '\u2028' };
  for (const metadata of [inside(5), { a: [[[[1]]]] }, longest, fields(50), odd, {}]) {
    const { status, body } = await edit(metadata);
    assert.equal(status, 200, body.error);
    assert.deepEqual(body.phone_number.metadata, metadata);
  }
});

test('metadata beyond a limit is refused with the name of the limit, in single calls and in bulk', async () => {
  const kept = { kept: true };
  await edit(kept);
  for (const [metadata, error] of [
    [inside(6), 'metadata is nested deeper than 5 levels'],
    [{ a: [[[[[]]]]] }, 'metadata is nested deeper than 5 levels'],
    [{ a: 'x'.repeat(8001 - '{"a":""}'.length) }, 'metadata is longer than 8000 characters'],
  ] as const) {
    const { status, body } = await edit(metadata);
    assert.deepEqual([status, body.code, body.error], [400, 'invalid_request', error]);
    const items = [{ action: 'edit', phone_number: number, metadata }];
    const bulk = await server.call('POST', '/v1/sms/phone-numbers/bulk', { body: { items } });
    assert.equal(bulk.status, 200);
    const [{ done, code, error: text }] = bulk.body.results;
    assert.deepEqual([done, code, text], [false, 'invalid_request', error]);
  }
  for (const metadata of [fields(51), [], 'x', 1, { a: 'x\0' }, { '\0': 1 }, { a: ['\ud800'] }]) {
    const { status, body } = await edit(metadata);
    assert.equal(status, 400);
    assert.match(body.error, /^metadata/);
  }
  for (const text of ['{"metadata":{"__proto__":{}}}', '{"metadata":{"constructor":{"prototype":{}}}}']) {
    const path = `/v1/sms/phone-numbers/${encodeURIComponent(number)}`;
    const { status, body } = await server.call('PATCH', path, { body: text });
    assert.deepEqual([status, body.code], [400, 'body_invalid']);
  }
  const { body } = await server.call('GET', `/v1/sms/phone-numbers/${encodeURIComponent(number)}`);
  assert.deepEqual(body.phone_number.metadata, kept);
});
