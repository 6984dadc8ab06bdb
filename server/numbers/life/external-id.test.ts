import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { check } from '../../check/check.ts';
import { newNumbers, newOrganization, uniqueNumber } from '../../testing/factories.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';
import { newShop, openShop } from '../../testing/shop.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(async () => {
  assert.deepEqual((await check(server.database)).findings, []);
  await server.stop();
});

const base = '/v1/sms/phone-numbers';
let made = 0;
const newId = () => `crm-${made++}`;

const listed = async (organization: string, more = '', key = server.key) => {
  const { body } = await server.call('GET', `${base}?organization_id=${organization}&view=full${more}`, {
    key,
  });
  return body.phone_numbers as { phone_number: string; external_id: string | null }[];
};
const add = (organization_id: string, external_id: string | null, key = server.key) =>
  server.call('POST', base, {
    key,
    body: { organization_id, phone_numbers: [{ phone_number: uniqueNumber(), external_id }] },
  });
const edit = (number: string, body: object, key = server.key) =>
  server.call('PATCH', `${base}/${number}`, { key, body });
const upload = (organization: string, body: string, type = 'text/csv', key = server.key) =>
  fetch(`${server.url}${base}/import?organization_id=${organization}`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': type },
    body,
  }).then(async reply => ({ status: reply.status, body: (await reply.json()) as Record<string, never> }));

test('it is set when a number is added, edited, cleared, and filtered by', async () => {
  const organization = await newOrganization(server);
  const id = newId();
  const { body } = await add(organization, id);
  const [{ phone_number, external_id }] = body.phone_numbers;
  assert.equal(external_id, id);
  await newNumbers(server, organization);
  assert.deepEqual(
    (await listed(organization, `&external_id=${id}`)).map(number => number.phone_number),
    [phone_number],
  );
  const plain = await server.call('GET', `${base}?organization_id=${organization}`);
  assert.equal('external_id' in plain.body.phone_numbers[0], false);
  const other = newId();
  assert.equal((await edit(phone_number, { external_id: other })).body.phone_number.external_id, other);
  assert.equal((await edit(phone_number, { external_id: null })).body.phone_number.external_id, null);
  assert.deepEqual(await listed(organization, `&external_id=${other}`), []);
  const then = await listed(organization, '&as_of=2');
  assert.equal(then.find(number => number.phone_number === phone_number)!.external_id, id);
  const log = await server.call('GET', `/v1/events?organization_id=${organization}`);
  const [added, , edited] = log.body.events.slice(-4);
  assert.equal(added.data.numbers[0].external_id, id);
  assert.deepEqual(edited.data.changes, { external_id: { from: id, to: other } });
});

test('it is unique among the live numbers of a tenant, across organizations', async () => {
  const [one, two] = [await newOrganization(server), await newOrganization(server)];
  const id = newId();
  const { body } = await add(one, id);
  const { phone_number } = body.phone_numbers[0];
  const refused = await add(two, id);
  assert.equal(refused.status, 409);
  assert.equal(refused.body.code, 'value_taken');
  assert.equal(refused.body.error, `external_id ${id} is already in use by another number`);
  const [other] = await newNumbers(server, two);
  assert.equal((await edit(other!.phone_number, { external_id: id })).body.code, 'value_taken');
  assert.equal((await edit(phone_number, { external_id: id })).status, 200);
  const key = await server.newTenant();
  assert.equal((await add(await newOrganization(server, key), id, key)).status, 201);
  await server.call('DELETE', `${base}/${phone_number}`);
  assert.equal((await edit(other!.phone_number, { external_id: id })).status, 200);
});

test('it moves with the number to another organization', async () => {
  const [one, two] = [await newOrganization(server), await newOrganization(server)];
  const id = newId();
  const { phone_number } = (await add(one, id)).body.phone_numbers[0];
  await server.call('POST', `${base}/${phone_number}/transfer`, { body: { to_organization_id: two } });
  assert.deepEqual(
    (await listed(two)).map(number => number.external_id),
    [id],
  );
  const log = await server.call('GET', `/v1/events?organization_id=${two}`);
  assert.equal(log.body.events.at(-1).data.number.external_id, id);
});

test('in bulk each item has its own error, and a value is not free before the end of the change', async () => {
  const organization = await newOrganization(server);
  const [first, second, third] = await newNumbers(
    server,
    organization,
    Array.from({ length: 3 }, () => ({ phone_number: uniqueNumber() })),
  );
  const [a, b, c] = [newId(), newId(), newId()];
  await edit(first!.phone_number, { external_id: a });
  const item = (number: { phone_number: string }, external_id: string | null) => ({
    ...{ action: 'edit', phone_number: number.phone_number, external_id },
  });
  const items = [
    ...[item(second!, a), item(first!, b), item(second!, a), item(third!, c), item(second!, c)],
    ...[item(first!, a), item(second!, newId())],
  ];
  const { body } = await server.call('POST', `${base}/bulk`, { body: { items } });
  assert.deepEqual(
    body.results.map((result: { code?: string }) => result.code),
    ['value_taken', undefined, 'value_taken', undefined, 'value_taken', undefined, undefined],
  );
  const ids = new Map((await listed(organization)).map(number => [number.phone_number, number.external_id]));
  assert.equal(ids.get(first!.phone_number), a);
  assert.equal(ids.get(third!.phone_number), c);
});

test('an import sets it, and rows with a value in use are rejected one by one', async () => {
  const organization = await newOrganization(server);
  const [taken, twice] = [newId(), newId()];
  await add(organization, taken);
  const numbers = Array.from({ length: 5 }, uniqueNumber);
  const rows = [
    `${numbers[0]},${twice},"x, y"`,
    `${numbers[1]},${twice},`,
    `${numbers[2]},${taken},`,
    `${numbers[3]},,`,
    `${numbers[4]},${'x'.repeat(201)},`,
  ];
  const { body } = await upload(organization, `phone_number,external_id,tags\n${rows.join('\n')}\n`);
  const rejections = body.rejections as unknown as Record<string, unknown>[];
  assert.deepEqual(
    rejections.map(({ row, ...one }) => one),
    [
      {
        line: 3,
        phone_number: numbers[1],
        code: 'value_taken',
        field: 'external_id',
        error: `external_id ${twice} is already in line 2`,
      },
      {
        line: 4,
        phone_number: numbers[2],
        code: 'value_taken',
        field: 'external_id',
        error: `external_id ${taken} is already in use by another number`,
      },
      {
        line: 6,
        phone_number: numbers[4],
        code: 'invalid',
        field: 'external_id',
        error: 'external_id is longer than 200 characters',
      },
    ],
  );
  const id = newId();
  const lines = [{ phone_number: uniqueNumber(), external_id: id, metadata: { a: [1] }, locked: true }];
  await upload(organization, lines.map(line => JSON.stringify(line)).join('\n'), 'application/x-ndjson');
  const found = await listed(organization, `&external_id=${id}`);
  assert.deepEqual(
    found.map(({ phone_number, external_id, metadata, locked }: Record<string, unknown>) => ({
      ...{ phone_number, external_id, metadata, locked },
    })),
    lines,
  );
});

test('an export has it, and can be imported in another tenant', async () => {
  const organization = await newOrganization(server);
  const id = newId();
  await add(organization, id);
  const csv = await server.call('GET', `${base}?organization_id=${organization}&view=full&format=csv`);
  const key = await server.newTenant();
  const elsewhere = await newOrganization(server, key);
  const { body } = await upload(elsewhere, csv.text, 'text/csv', key);
  assert.equal(body.imported, 1, JSON.stringify(body));
  assert.equal((await listed(elsewhere, '', key))[0]!.external_id, id);
});

test('simultaneous imports of the same ids into two organizations: each id is imported once, and no file fails', async () => {
  const organizations = [await newOrganization(server), await newOrganization(server)];
  const ids = Array.from({ length: 300 }, newId);
  const replies = await Promise.all(
    organizations.map(organization =>
      upload(
        organization,
        `phone_number,external_id\n${ids.map(id => `${uniqueNumber()},${id}`).join('\n')}\n`,
      ),
    ),
  );
  assert.deepEqual(
    replies.map(reply => reply.status),
    [200, 200],
  );
  const all = (await Promise.all(organizations.map(organization => listed(organization)))).flat();
  assert.deepEqual(all.map(number => number.external_id).sort(), ids.sort());
});

test('a purchase sets it; if another number has it by then, the number comes without it', async () => {
  const shop = await newShop(server);
  const buy = (body: object) =>
    server.call('POST', `${base}/purchase`, {
      key: shop.key,
      body: { organization_id: shop.organization, area_code: '415', ...body },
    });
  const id = newId();
  const bought = await buy({ external_id: id, tags: ['new'] });
  const detail = await server.call('GET', `${base}/${bought.body.phone_number}`, { key: shop.key });
  assert.equal(detail.body.phone_number.external_id, id);
  assert.deepEqual(detail.body.phone_number.tags, ['new']);
  assert.equal((await buy({ external_id: id })).body.code, 'value_taken');
  const items = [{ area_code: '415', quantity: 2, external_id: newId() }];
  const many = await server.call('POST', '/v1/sms/orders', {
    key: shop.key,
    body: { organization_id: shop.organization, items },
  });
  assert.match(many.body.error, /^items\[0\]\.external_id requires quantity 1/);
  const late = newId();
  // The outcome stays unknown until another number has the value.
  await shop.book(book =>
    book.faults.push(
      { call: 'buy', kind: 'timeout_after', times: 1 },
      { call: 'find', kind: 'transient', times: 1_000_000 },
    ),
  );
  const buying = buy({ external_id: late });
  for (let open = 0; open === 0; ) {
    const { body } = await server.call('GET', '/v1/sms/orders?status=settling', { key: shop.key });
    open = body.count;
  }
  const given = await add(shop.organization, late, shop.key);
  assert.equal(given.status, 201);
  await shop.book(book => book.faults.splice(0));
  const { body } = await buying;
  const paid = await server.call('GET', `${base}/${body.phone_number}`, { key: shop.key });
  assert.equal(paid.body.phone_number.external_id, null);
});

test('an order shows the fields that its number will have', async () => {
  const key = await server.newTenant();
  const organization = await newOrganization(server, key);
  await openShop(server, key, organization);
  const id = newId();
  const placed = await server.call('POST', '/v1/sms/orders', {
    key,
    body: {
      organization_id: organization,
      items: [{ area_code: '415', quantity: 1, external_id: id, nickname: 'Desk' }],
    },
  });
  const [order] = placed.body.orders;
  assert.equal(order.external_id, id);
  assert.equal(order.nickname, 'Desk');
});
