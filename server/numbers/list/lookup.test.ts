import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { asUser } from '../../testing/names.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

type Asking = { key?: string; headers?: Record<string, string>; default_country?: string };

const lookUp = (phone_numbers: unknown, { default_country, ...options }: Asking = {}) =>
  server.call('POST', '/v1/sms/phone-numbers/lookup', {
    ...options,
    body: { phone_numbers, ...(default_country && { default_country }) },
  });

/** The result for each number: the number itself, or null. */
async function found(numbers: string[], asking?: Asking): Promise<(string | null)[]> {
  const { status, body, text } = await lookUp(numbers, asking);
  assert.equal(status, 200, text);
  assert.deepEqual(
    body.results.map(({ asked }: { asked: string }) => asked),
    numbers,
  );
  const shown = body.results.map(
    (one: { phone_number: { phone_number: string } | null }) => one.phone_number,
  );
  assert.equal(body.count, shown.filter(Boolean).length);
  return shown.map((number: { phone_number: string } | null) => number?.phone_number ?? null);
}

test('results are in the order asked, each as the call for a single number shows it', async () => {
  const organization = await newOrganization(server);
  const user = await newUser(server, organization);
  const added = await newNumbers(server, organization, [
    { phone_number: uniqueNumber(), nickname: 'Ünal "1",\n2' },
    { phone_number: uniqueNumber(), user_id: user },
    { phone_number: uniqueNumber() },
  ]);
  await server.call('POST', `/v1/sms/phone-numbers/${added[2]!.phone_number}/reserve`, {
    body: { expires_in: 3600 },
  });
  const asked = [added[2]!, added[0]!, added[1]!, added[0]!].map(({ phone_number }) => phone_number);
  const reply = await lookUp(asked);
  assert.equal(reply.headers.get('content-type'), 'application/json; charset=utf-8');
  const results = await Promise.all(
    asked.map(async phone_number => {
      const one = await server.call('GET', `/v1/sms/phone-numbers/${phone_number}`);
      return { asked: phone_number, phone_number: one.body.phone_number };
    }),
  );
  assert.equal(
    reply.text,
    JSON.stringify({ success: true, results, count: asked.length, powered_by: 'Teli' }),
  );
});

test('any usual format is understood, and returned as it was given', async () => {
  const organization = await newOrganization(server);
  const number = uniqueNumber();
  await newNumbers(server, organization, [{ phone_number: number }, { phone_number: '+442079460959' }]);
  const [area, exchange, line] = [number.slice(2, 5), number.slice(5, 8), number.slice(8)];
  const writings = [`(${area}) ${exchange}-${line}`, number.slice(2), ` ${area}.${exchange}.${line}`, number];
  assert.deepEqual(await found(writings), Array(4).fill(number));
  assert.deepEqual(await found(['020 7946 0959', number], { default_country: 'GB' }), [
    '+442079460959',
    number,
  ]);
});

test('numbers that do not exist, or that the caller may not see, are null', async () => {
  const [one, other] = [await newOrganization(server), await newOrganization(server)];
  const [mine, elsewhere, released] = [uniqueNumber(), uniqueNumber(), uniqueNumber()];
  const [unassigned, unknown] = [uniqueNumber(), uniqueNumber()];
  const user = await newUser(server, one);
  await newNumbers(server, one, [
    { phone_number: mine, user_id: user },
    { phone_number: unassigned },
    { phone_number: released },
  ]);
  await newNumbers(server, other, [{ phone_number: elsewhere }]);
  await server.call('PATCH', '/v1/tenant', { body: { release_undo_seconds: 0 } });
  const gone = await server.call('DELETE', `/v1/sms/phone-numbers/${released}`);
  assert.equal(gone.status, 200, gone.text);
  const all = [mine, elsewhere, unassigned, released, unknown];
  assert.deepEqual(await found(all), [mine, elsewhere, unassigned, null, null]);
  assert.deepEqual(await found(all, { key: await server.newTenant() }), Array(5).fill(null));
  const bound = await server.newKey({ organization_id: one, permission: 'read' });
  assert.deepEqual(await found(all, { key: bound }), [mine, null, unassigned, null, null]);
  const own = { key: '', headers: await asUser(server, one, 'user', user) };
  assert.deepEqual(await found(all, own), [mine, null, null, null, null]);
  const colleague = { key: '', headers: await asUser(server, one, 'user') };
  assert.deepEqual(await found(all, colleague), Array(5).fill(null));
  const admin = { key: '', headers: await asUser(server, one, 'admin') };
  assert.deepEqual(await found(all, admin), [mine, null, unassigned, null, null]);
});

test('a text that is no number has its own error, and the others are answered', async () => {
  const organization = await newOrganization(server);
  const [number] = await newNumbers(server, organization);
  const wrong: [string, RegExp][] = [
    ['415-555-12', /^phone_number has 8 digits after \+1 instead of 10$/],
    ['anonymous', /^phone_number is not a phone number$/],
    ['', /^phone_number is not a phone number$/],
    ['72727', /^phone_number /],
    ['x'.repeat(5000), /^phone_number is too long/],
    ['a\0b', /^phone_number /],
    ['\ud800', /^phone_number /],
  ];
  const asked = [number!.phone_number, ...wrong.map(([text]) => text), number!.phone_number];
  const { status, body } = await lookUp(asked);
  assert.deepEqual([status, body.count, body.results.length], [200, 2, asked.length]);
  for (const result of [body.results.at(0), body.results.at(-1)]) {
    assert.equal(result.phone_number.phone_number, number!.phone_number);
    assert.deepEqual(Object.keys(result), ['asked', 'phone_number']);
  }
  wrong.forEach(([text, error], index) => {
    const result = body.results[index + 1];
    assert.deepEqual([result.asked, result.phone_number, result.code], [text, null, 'invalid_request']);
    assert.match(result.error, error);
  });
});

test('a list of anything but texts, and too many numbers, are refused', async () => {
  const number = uniqueNumber();
  const refusals: [unknown, RegExp][] = [
    [[], /^phone_numbers /],
    [[number, 7], /^phone_numbers/],
    [Array(1001).fill(number), /^phone_numbers .*1000/],
    [undefined, /^phone_numbers is required$/],
  ];
  for (const [numbers, error] of refusals) {
    const { status, body } = await lookUp(numbers);
    assert.deepEqual([status, body.code], [400, 'invalid_request'], body.error);
    assert.match(body.error, error);
  }
  assert.deepEqual(await found(Array(1000).fill(number)), Array(1000).fill(null));
});
