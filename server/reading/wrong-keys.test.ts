import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newSecret } from '../access/secret.ts';
import { newOrganization } from '../testing/factories.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';

let server: TestServer;
let path: string;
/** After two answers the queue stands still. */
const wrongKeys = { rate: 1e-9, burst: 2, waitingMax: 3 };
before(async () => {
  server = await startTestServer(undefined, {}, { wrongKeys });
  path = `/v1/sms/phone-numbers?organization_id=${await newOrganization(server)}`;
});
after(() => server?.stop());

test('wrong keys wait for their answer, and a right key from the same address does not', async () => {
  const wrong = () => server.call('GET', path, { key: newSecret() });
  for (let count = 0; count < 2; count++) {
    const { status, body } = await wrong();
    assert.deepEqual([status, body.code], [401, 'api_key_invalid']);
  }
  const token = { key: '', headers: { authorization: `Bearer ${newSecret('user')}` } };
  let answered = 0;
  const waiting = [wrong(), wrong(), server.call('GET', path, token)];
  for (const reply of waiting) void reply.then(() => answered++);
  // The queue is full when one more is turned away. That one may come before the three.
  const more = [];
  let turnedAway: Awaited<ReturnType<typeof wrong>> | undefined;
  while (!turnedAway) {
    const next = wrong();
    more.push(next);
    turnedAway = await Promise.race([next, ...waiting, server.call('GET', path).then(() => undefined)]);
  }
  assert.deepEqual([turnedAway.status, turnedAway.body.code], [429, 'too_many_wrong_keys']);
  assert.match(turnedAway.headers.get('retry-after')!, /^[1-9]\d*$/);

  // A right key, and one that is created now, are answered at once.
  assert.equal((await server.call('GET', path)).status, 200);
  const created = await server.newKey();
  assert.equal((await server.call('GET', path, { key: created })).status, 200);

  // A stop keeps nobody waiting.
  const stopped = server.stop();
  const replies = await Promise.all([...waiting, ...more]);
  const statuses = replies.map(({ status }) => status);
  assert.equal(statuses.filter(status => status === 401).length, 3);
  assert.ok(statuses.every(status => status === 401 || status === 429));
  await stopped;
  server = undefined as never;
});
