import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { check } from '../../check/check.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { asUser } from '../../testing/names.ts';
import { type Reply, startTestServer, type TestServer } from '../../testing/server.ts';

let server: TestServer;
let key: string;
before(async () => {
  server = await startTestServer();
});
after(async () => {
  assert.deepEqual((await check(server.database)).findings, []);
  await server.stop();
});
beforeEach(async () => {
  key = await server.newTenant();
});

const upload = (body: string, query = '', headers: Record<string, string> = {}, by = key): Promise<Reply> =>
  server.call('POST', `/v1/sms/phone-numbers/import?${query}`, {
    ...{ body, key: by },
    headers: { 'content-type': 'text/csv', ...headers },
  });
const organizations = async () =>
  (await server.call('GET', '/v1/organizations', { key })).body.organizations as {
    name: string;
    unique_id: string;
    revision: number;
  }[];
// biome-ignore lint/suspicious/noExplicitAny: a test looks into the body as it likes
type Item = Record<string, any>;

const numbersOf = async (organization: string) =>
  (await server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}&view=full`, { key })).body
    .phone_numbers as Item[];
const reasons = ({ body }: Reply) =>
  body.rejections.map(({ line, code, field, error }: Record<string, string>) => [line, code, field, error]);

test('rows go to the organizations that they name, in one revision of each', async () => {
  const [acme, twin] = [
    await newOrganization(server, key, 'Zürich  Dental'),
    await newOrganization(server, key, 'Twin'),
  ];
  await newOrganization(server, key, 'twin');
  const idle = await newOrganization(server, key, 'Idle');
  await server.call('PATCH', `/v1/organizations/${idle}`, { key, body: { status: 'suspended' } });
  const before = await organizations();
  const numbers = Array.from({ length: 8 }, uniqueNumber);
  const named = [acme, ' ZÜRICH dental ', 'Twin', twin, 'Idle', 'Nobody', '', 'Zu\u0308rich Dental'];
  const text = `Customer;Number\n${named.map((name, row) => `${name};${numbers[row]}\n`).join('')}`;
  const reply = await upload(text);
  assert.equal(reply.status, 200, reply.text);
  const empty = 'organization is empty: the row does not say where it belongs';
  assert.deepEqual(reasons(reply), [
    [
      4,
      'unknown_organization',
      'organization',
      'organization: 2 organizations are named Twin: write the unique_id',
    ],
    [6, 'organization_not_active', 'organization', `organization ${idle} is suspended`],
    [
      7,
      'unknown_organization',
      'organization',
      'organization: there is none with the unique_id or name Nobody',
    ],
    [8, 'invalid', 'organization', empty],
  ]);
  const { imported, batch_id } = reply.body;
  assert.deepEqual([imported, batch_id], [4, null]);
  assert.deepEqual(
    reply.body.organizations.map((one: Record<string, unknown>) => [
      one.organization_id,
      one.imported,
      one.rejected,
    ]),
    [
      [acme, 3, 0],
      [twin, 1, 0],
      [idle, 0, 1],
    ],
  );
  const after = await organizations();
  const raised = after.filter(({ revision }, place) => revision === before[place]!.revision + 1);
  assert.deepEqual(raised.map(({ unique_id }) => unique_id).sort(), [acme, twin].sort());
  assert.equal((await numbersOf(acme)).length, 3);
  const log = await server.call('GET', `/v1/events?organization_id=${acme}`, { key });
  assert.deepEqual(log.body.events.at(-1).data, { batch_id: reply.body.organizations[0].batch_id, count: 3 });
  // With an organization for the file, that is where the rows go that name none.
  const more = Array.from({ length: 2 }, uniqueNumber);
  const both = await upload(
    `Customer,Number\n,${more[0]}\nTwin,${more[1]}\n${twin},${uniqueNumber()}\n`,
    `organization_id=${acme}`,
  );
  assert.deepEqual([both.body.imported, both.body.rejected, (await numbersOf(acme)).length], [2, 1, 4]);
  const nowhere = await upload(`number\n${uniqueNumber()}\n`);
  assert.deepEqual([nowhere.status, nowhere.body.code], [400, 'invalid_request']);
  assert.match(nowhere.body.error, /^organization_id is required \(--organization\)/);
  const stale = await upload(text, '', { 'if-match': '1' });
  assert.match(
    stale.body.error,
    /^If-Match is the revision of one organization, and the file is about several/,
  );
});

test('a first move creates the organizations and users that good rows need', async () => {
  const numbers = Array.from({ length: 8 }, uniqueNumber);
  const at = (row: number) => numbers[row];
  const text = `Phone Number,Customer,Email,Full Name,Label
${at(0)},Cedar Motors,ann@cedar.example,Ann Example,Desk
${at(1)}, cedar  motors,ANN@cedar.example,Other Name,
${at(2)},Cedar Motors,bob@cedar.example,,
${at(3)},Iron Fitness,ann@cedar.example,Ann Too,
${at(4)},Iron Fitness,Ann Example,,
12,Only Wrong,x@y.example,,
${at(5)},Cedar Motors,,Nobody's Name,
`;
  const plan = await upload(text, 'create_organizations=true&create_users=true&dry_run=true');
  assert.deepEqual(await organizations(), []);
  const reply = await upload(text, 'create_organizations=true&create_users=true', {
    'idempotency-key': 'move',
  });
  assert.equal(reply.status, 200, reply.text);
  assert.deepEqual(plan.body.rejections, reply.body.rejections);
  assert.deepEqual(reasons(reply), [
    [6, 'unknown_user', 'user', 'no active user Ann Example in this organization'],
    [7, 'invalid', 'phone_number', 'phone_number has only 2 digits: a short code is not a phone number'],
  ]);
  assert.deepEqual(reply.body.not_taken, [{ column: 'Full Name', rows: 1 }]);
  const made = (await organizations()).sort((a, b) => (a.name < b.name ? -1 : 1));
  assert.deepEqual(
    made.map(({ name, revision }) => [name, revision]),
    [
      ['Cedar Motors', 2],
      ['Iron Fitness', 2],
    ],
  );
  const cedar = made[0]!.unique_id;
  assert.deepEqual(
    (await numbersOf(cedar)).map(({ phone_number, assigned_to }) => [phone_number, assigned_to?.name]).sort(),
    [
      [at(0), 'Ann Example'],
      [at(1), 'Ann Example'],
      [at(2), 'bob@cedar.example'],
      [at(5), undefined],
    ].sort(),
  );
  const again = await upload(text, 'create_organizations=true&create_users=true', {
    'idempotency-key': 'move',
  });
  assert.equal(again.text, reply.text);
  const second = await upload(text, 'create_organizations=true&create_users=true');
  assert.deepEqual([second.body.imported, (await organizations()).length], [0, 2]);
});

test('two first moves at once create each organization and user once', async () => {
  const move = () =>
    upload(
      `organization,number,user\n${Array.from({ length: 20 }, (_, row) => `Org ${row % 4},${uniqueNumber()},u${row % 2}@x.example\n`).join('')}`,
      'create_organizations=true&create_users=true',
    );
  const replies = await Promise.all([move(), move(), move()]);
  assert.deepEqual(
    replies.map(({ body }) => body.imported),
    [20, 20, 20],
  );
  const made = await organizations();
  assert.equal(made.length, 4);
  for (const { unique_id } of made)
    assert.equal((await server.call('GET', `/v1/organizations/${unique_id}/users`, { key })).body.count, 1);
});

test('of two files with the same numbers in opposite order, each number goes into one organization', async () => {
  const named = await Promise.all(['A', 'B', 'C', 'D'].map(name => newOrganization(server, key, name)));
  const halves = [Array.from({ length: 1500 }, uniqueNumber), Array.from({ length: 1500 }, uniqueNumber)];
  const text = (first: number[], names: string) =>
    `organization,number\n${first.flatMap((half, place) => halves[half]!.map(number => `${names[place]},${number}\n`)).join('')}`;
  const replies = await Promise.all([upload(text([0, 1], 'AB')), upload(text([1, 0], 'CD'))]);
  const lists = await Promise.all(named.map(numbersOf));
  assert.deepEqual(
    lists
      .flat()
      .map(({ phone_number }) => phone_number)
      .sort(),
    halves.flat().sort(),
  );
  for (const { body } of replies) assert.equal(body.imported + body.rejected, 3000);
  assert.equal(replies[0]!.body.imported + replies[1]!.body.imported, 3000);
});

test('who may not create elsewhere may not create with a file, nor import into others', async () => {
  key = server.key;
  const [own, other] = [
    await newOrganization(server, key, 'Own'),
    await newOrganization(server, key, 'Other'),
  ];
  await newOrganization(server, await server.newTenant(), 'Foreign');
  const bound = { 'x-api-key': await server.newKey({ organization_id: own }) };
  const text = (name: string) => `organization,number\n${name},${uniqueNumber()}\n`;
  for (const headers of [bound, await asUser(server, own, 'admin')]) {
    const refused = await upload(text('New'), 'create_organizations=true', headers, '');
    assert.deepEqual([refused.status, refused.body.code], [403, 'key_bound']);
    for (const name of [other, 'Other', 'Foreign', 'Gone']) {
      const { body } = await upload(text(name), '', headers, '');
      assert.deepEqual([body.imported, body.rejections[0].code], [0, 'unknown_organization'], name);
    }
    assert.equal((await upload(text('own'), '', headers, '')).body.imported, 1);
  }
  assert.deepEqual(await numbersOf(other), []);
  const foreign = await upload(text('Foreign'));
  assert.equal(foreign.body.rejections[0].code, 'unknown_organization');
});

test('tags, metadata, locks and states come in, and what does not is named', async () => {
  const organization = await newOrganization(server, key);
  const user = await newUser(server, organization, key);
  const numbers = Array.from({ length: 12 }, uniqueNumber);
  const soon = `${new Date(Date.now() + 86_400_000).toISOString().slice(0, 19)}Z`;
  const rows = [
    `"west, sales",yes,"{""a"":1}",7,,,,`,
    `,,,,cooling_down,${soon},,`,
    `,,,,Cooling Down,2020-01-01T00:00:00Z,,`,
    `,,,,reserved,${soon},the shop,`,
    `,,,,assigned,,,${user}`,
    `,,,,available,,,`,
    `,,,,Active,,,`,
    `,,,,cooling_down,,,`,
    `,,,,reserved,2099-01-01,,`,
    `,,,,assigned,,,`,
    `,,,,available,,,${user}`,
    `,,,,releasing,${soon},,`,
  ];
  const text = `phone_number,tags,locked,metadata,metadata.crm,status,until,reservation_note,user,colour\n${rows.map((row, place) => `${numbers[place]},${row},red\n`).join('')}`;
  const reply = await upload(text, `organization_id=${organization}`);
  assert.deepEqual(
    reasons(reply).map(([line, , field, error]: string[]) => [line, field, error]),
    [
      [9, 'until', 'until is required when status is cooling_down: write when that ends'],
      [10, 'until', 'until must be at most a year from now when status is reserved'],
      [11, 'status', 'status is assigned, but the row has no user: name the user, or leave status empty'],
      [12, 'status', 'status is available, but the row has a user: leave one of them empty'],
      [13, 'status', 'status releasing cannot be imported: leave it empty, or leave the row out'],
    ],
  );
  assert.deepEqual(reply.body.not_taken, [
    { column: 'colour', rows: 12 },
    { column: 'status', rows: 1 },
  ]);
  const found = new Map((await numbersOf(organization)).map(number => [number.phone_number, number]));
  const shown = (row: number) => found.get(numbers[row]!)!;
  assert.deepEqual(
    [shown(0).tags, shown(0).locked, shown(0).metadata],
    [['sales', 'west'], true, { a: 1, crm: '7' }],
  );
  assert.deepEqual([shown(1).status, shown(1).until], ['cooling_down', soon]);
  assert.deepEqual([shown(2).status, shown(2).until], ['available', null]);
  assert.deepEqual(
    [shown(3).status, shown(3).until, shown(3).reservation_note],
    ['reserved', soon, 'the shop'],
  );
  const claim = { body: { user_id: user }, key };
  const held = await server.call('POST', `/v1/sms/reservations/${shown(3).reservation_id}/assign`, claim);
  assert.equal(held.status, 200, held.text);
  assert.deepEqual(
    [4, 5, 6].map(row => shown(row).status),
    ['assigned', 'available', 'available'],
  );
});

test('with update, numbers that are here are changed where the row differs', async () => {
  const organization = await newOrganization(server, key);
  const elsewhere = await newOrganization(server, key);
  const [ann, bob] = [await newUser(server, organization, key), await newUser(server, organization, key)];
  const numbers = Array.from({ length: 6 }, uniqueNumber);
  const given = numbers.slice(0, 4).map((phone_number, row) => ({
    ...{ phone_number, nickname: `Line ${row}`, tags: ['old'], metadata: { a: 1, b: 2 } },
    ...(row === 1 && { user_id: ann }),
  }));
  await newNumbers(server, organization, given, key);
  await newNumbers(server, elsewhere, [{ phone_number: numbers[4]! }], key);
  const text = `phone_number,nickname,tags,metadata.a,user
${numbers[0]},Line 0,old,,
${numbers[1]},New,,3,${bob}
${numbers[2]},,,,${ann}
${numbers[3]},Line 3,"new, old",,
${numbers[4]},x,,,
${numbers[5]},fresh,,,
${numbers[5]},again,,,
`;
  const without = await upload(text, `organization_id=${organization}&dry_run=true`);
  assert.deepEqual([without.body.imported, without.body.updated, without.body.rejected], [1, 0, 6]);
  const plan = await upload(text, `organization_id=${organization}&update=true&dry_run=true`);
  const reply = await upload(text, `organization_id=${organization}&update=true`);
  for (const { body } of [plan, reply]) {
    assert.deepEqual([body.imported, body.updated, body.unchanged, body.rejected], [1, 3, 1, 2]);
    assert.deepEqual(
      body.rejections.map(({ line, code }: Record<string, unknown>) => [line, code]),
      [
        [6, 'already_exists'],
        [8, 'duplicate_in_file'],
      ],
    );
  }
  const found = new Map((await numbersOf(organization)).map(number => [number.phone_number, number]));
  const shown = (row: number) => {
    const { nickname, tags, metadata, assigned_to } = found.get(numbers[row]!)!;
    return [nickname, tags, metadata, assigned_to?.user_id];
  };
  assert.deepEqual(shown(0), ['Line 0', ['old'], { a: 1, b: 2 }, undefined]);
  assert.deepEqual(shown(1), ['New', ['old'], { a: '3', b: 2 }, bob]);
  assert.deepEqual(shown(2), ['Line 2', ['old'], { a: 1, b: 2 }, ann]);
  assert.deepEqual(shown(3), ['Line 3', ['new', 'old'], { a: 1, b: 2 }, undefined]);
  const log = await server.call('GET', `/v1/events?organization_id=${organization}`, { key });
  assert.deepEqual(
    log.body.events.slice(-2).map(({ type, revision }: Record<string, unknown>) => [type, revision]),
    [
      ['numbers.imported', log.body.revision],
      ['numbers.changed', log.body.revision],
    ],
  );
  const [{ update_batch_id }] = reply.body.organizations;
  assert.equal(log.body.events.at(-1).data.batch_id, update_batch_id);
  const same = await upload(text, `organization_id=${organization}&update=true`);
  assert.deepEqual([same.body.imported, same.body.updated, same.body.unchanged], [0, 0, 5]);
  assert.equal(
    (await server.call('GET', `/v1/events?organization_id=${organization}`, { key })).body.revision,
    log.body.revision,
  );
});

test('an update keeps the rules of a number: one that would have to rest first is rejected', async () => {
  const organization = await newOrganization(server, key);
  const [ann, bob] = [await newUser(server, organization, key), await newUser(server, organization, key)];
  const phone_number = uniqueNumber();
  await newNumbers(server, organization, [{ phone_number, user_id: ann }], key);
  await server.call('PATCH', '/v1/tenant', { key, body: { cool_down_seconds: 3600 } });
  const text = `phone_number,nickname,user\n${phone_number},New,${bob}\n`;
  for (const more of ['&dry_run=true', '']) {
    const { body } = await upload(text, `organization_id=${organization}&update=true${more}`);
    const [rejection] = body.rejections;
    assert.deepEqual([body.updated, rejection.code], [0, 'not_changeable']);
    assert.match(rejection.error, /^Phone number is not available: it is cooling down until /);
  }
  assert.equal((await numbersOf(organization))[0]!.nickname, null);
});
