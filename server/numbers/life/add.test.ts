import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';
import type { NewNumber } from './arrivals.ts';

let server: TestServer;
let organization: string;
before(async () => {
  server = await startTestServer();
  organization = await newOrganization(server);
});
after(() => server.stop());

const add = (phone_numbers: NewNumber[], more: object = {}, key = server.key) =>
  server.call('POST', '/v1/sms/phone-numbers', {
    key,
    body: { organization_id: organization, phone_numbers, ...more },
  });
const get = (text: string, key = server.key) => server.call('GET', `/v1/sms/phone-numbers/${text}`, { key });

test('added numbers are shown in full, in the order given', async () => {
  const user = await newUser(server, organization);
  const { email } = (await server.call('GET', `/v1/organizations/${organization}/users/${user}`)).body.user;
  const reply = await add([
    { phone_number: '(415) 555-0177', nickname: 'Sales "Line"\n☎' },
    { phone_number: '+44 20 7946 0958', user_id: user },
    { phone_number: '415.555.0111', user_id: email.toUpperCase() },
  ]);
  assert.equal(reply.status, 201, reply.text);
  assert.equal(reply.body.count, 3);
  const [sales, london, third] = reply.body.phone_numbers;
  assert.equal(
    JSON.stringify(sales),
    JSON.stringify({
      id: sales.id,
      phone_number: '+14155550177',
      pretty_phone_number: '+1 415-555-0177',
      nickname: 'Sales "Line"\n☎',
      is_available: true,
      assigned_to: null,
      assigned_at: null,
      created_at: sales.created_at,
      status: 'available',
      until: null,
      reservation_id: null,
      reservation_note: null,
      external_id: null,
      tags: [],
      locked: false,
      metadata: {},
      carrier_account_id: null,
      pending_reason: null,
      organization_id: organization,
      organization_name: 'Acme',
      country: 'US',
      area_code: '415',
      modified_at: sales.created_at,
      created_at_exact: sales.created_at_exact,
      leaving: false,
      release_problem: null,
    }),
  );
  assert.deepEqual(london.assigned_to, { user_id: user, email, name: 'Ann Example' });
  assert.equal(london.country, 'GB');
  assert.equal(london.area_code, null);
  assert.equal(london.status, 'assigned');
  assert.equal(third.assigned_to.user_id, user);
  for (const number of reply.body.phone_numbers)
    assert.deepEqual((await get(number.phone_number)).body.phone_number, number);
});

test('a number is found in any usual format', async () => {
  await add([{ phone_number: '+14155551234' }, { phone_number: '+442079460123' }]);
  const writings = ['%2B14155551234', '+14155551234', '(415)%20555-1234', '1-415-555-1234', '4155551234'];
  for (const text of [...writings, '%20+1%20415%20555%201234', 'tel:+1-415-555-1234', '%2014155551234'])
    assert.equal((await get(text)).body.phone_number?.phone_number, '+14155551234', text);
  const london = [
    '020%207946%200123?default_country=GB',
    '%2B44%2020%207946%200123',
    '+442079460123?default_country=US',
  ];
  for (const text of london)
    assert.equal((await get(text)).body.phone_number?.phone_number, '+442079460123', text);
  const unknown = await get('+14155551999');
  assert.equal(unknown.status, 404);
  assert.equal(unknown.body.error, 'Phone number not found');
  for (const [text, error] of [
    ['hello', 'phone_number is not a phone number'],
    ['+1415555123', 'phone_number has 9 digits after +1 instead of 10'],
    ['%2B14155551234%20ext%205', 'phone_number has an extension, and a number that takes SMS has none'],
  ] as const) {
    const reply = await get(text);
    assert.equal(reply.status, 400);
    assert.equal(reply.body.error, error);
  }
  const country = await get('4155551234?default_country=XX');
  assert.match(country.body.error, /^default_country must be one of /);
});

test('a request adds all of its numbers or none', async () => {
  const taken = uniqueNumber();
  await add([{ phone_number: taken }]);
  const before = (await server.call('GET', `/v1/organizations/${organization}`)).body.organization.revision;
  const good = { phone_number: uniqueNumber() };
  const refusals: [NewNumber, number, string][] = [
    [{ phone_number: taken }, 409, `Phone number ${taken} already exists`],
    [
      { phone_number: good.phone_number.slice(2) },
      400,
      'phone_numbers[1].phone_number is the same number as phone_numbers[0]',
    ],
    [{ phone_number: 'x' }, 400, 'phone_numbers[1].phone_number is not a phone number'],
    [{ phone_number: '' }, 400, 'phone_numbers[1].phone_number must not have fewer than 1 characters'],
    [
      { phone_number: uniqueNumber(), nickname: '' },
      400,
      'phone_numbers[1].nickname must not have fewer than 1 characters',
    ],
    [
      { phone_number: uniqueNumber(), nickname: 'x'.repeat(201) },
      400,
      'phone_numbers[1].nickname must not have more than 200 characters',
    ],
    [
      { phone_number: uniqueNumber(), nickname: 'a\0b' },
      400,
      'phone_numbers[1].nickname has a character that cannot be stored (U+0000 or an unpaired surrogate)',
    ],
    [
      { phone_number: uniqueNumber(), user_id: 'nobody' },
      400,
      'phone_numbers[1].user_id: no active user nobody in this organization',
    ],
    [
      { phone_number: uniqueNumber(), id: crypto.randomUUID() },
      400,
      'phone_numbers[1].id is not a known field',
    ],
  ];
  for (const [bad, status, error] of refusals) {
    const reply = await add([good, bad]);
    assert.equal(reply.status, status, reply.text);
    assert.equal(reply.body.error, error);
    assert.equal((await get(good.phone_number)).status, 404);
  }
  const several = await add([good, { phone_number: 'x' }, { phone_number: '12' }, good]);
  assert.deepEqual(
    several.body.fields.map(({ field }: { field: string }) => field),
    [1, 2, 3].map(index => `phone_numbers[${index}].phone_number`),
  );
  const nobody = ['a', 'b'].map(user_id => ({ phone_number: uniqueNumber(), user_id }));
  assert.match(
    (await add(nobody)).body.error,
    /^phone_numbers\[0\].*; phone_numbers\[1\].*no active user b /,
  );
  assert.match((await add([])).body.error, /^phone_numbers must not have fewer than 1 items/);
  assert.equal((await add([good], { organization_id: 'org_unknown' })).status, 404);
  const { revision } = (await server.call('GET', `/v1/organizations/${organization}`)).body.organization;
  assert.equal(revision, before);
  const many = Array.from({ length: 1001 }, () => ({ phone_number: uniqueNumber() }));
  assert.equal((await add(many)).status, 400);
  assert.equal((await add(many.slice(1))).body.count, 1000);
});

test('a number is live once in a tenant, and can be live in every tenant', async () => {
  const phone_number = uniqueNumber();
  const others = await Promise.all(Array.from({ length: 5 }, () => newOrganization(server)));
  const race = await Promise.all(others.map(organization_id => add([{ phone_number }], { organization_id })));
  assert.deepEqual(race.map(reply => reply.status).sort(), [201, 409, 409, 409, 409]);
  const key = await server.newTenant();
  await newNumbers(server, await newOrganization(server, key), [{ phone_number }], key);
  const [here, there] = [await get(phone_number), await get(phone_number, key)];
  assert.notEqual(here.body.phone_number.id, there.body.phone_number.id);
  // A bound key has to learn that the number is taken, but not by which organization.
  const bound = await server.newKey({ organization_id: organization });
  const { status, body } = await add([{ phone_number }], {}, bound);
  assert.equal(status, 409);
  assert.equal(body.error, `Phone number ${phone_number} already exists`);
});

test('a nickname is edited and cleared', async () => {
  const phone_number = uniqueNumber();
  await add([{ phone_number, nickname: 'Old' }]);
  const edit = (body: unknown) => server.call('PATCH', `/v1/sms/phone-numbers/${phone_number}`, { body });
  const before = (await get(phone_number)).body.phone_number;
  for (const nickname of ['New', '☎ "quoted"\n', null, ' ']) {
    const { status, body } = await edit({ nickname });
    assert.equal(status, 200);
    const { modified_at } = body.phone_number;
    assert.deepEqual(body.phone_number, { ...before, nickname, modified_at });
  }
  const refusals: [unknown, string][] = [
    [{}, 'the body must have at least one field'],
    [{ nickname: '' }, 'nickname must not have fewer than 1 characters'],
    [{ nickname: 7 }, 'nickname must be a string or null'],
    [{ nickname: 'x', status: 'released' }, 'status is not a known field'],
    [[], 'the body must be an object'],
  ];
  for (const [body, error] of refusals) assert.equal((await edit(body)).body.error, error);
  const unknown = await server.call('PATCH', '/v1/sms/phone-numbers/+14155551998', {
    body: { nickname: 'x' },
  });
  assert.equal(unknown.status, 404);
});
