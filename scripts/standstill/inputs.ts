import pg from 'pg';

/** A request that costs much. */
export type Input = {
  name: string;
  method: string;
  path: string;
  key?: string;
  body?: string;
  headers?: Record<string, string>;
  /** How many of it are sent at once. */
  times?: number;
  /** Nobody reads the answers for a while. */
  unread?: boolean;
};

type World = {
  // biome-ignore lint/suspicious/noExplicitAny: answers of all kinds
  call: (method: string, path: string, body: unknown, key?: string) => Promise<any>;
  key: string;
};

const mega = 1_048_576;
const filled = (length: number, piece: string) =>
  Array(Math.floor(length / (piece.length + 1)))
    .fill(piece)
    .join();
const bulk = '/v1/sms/phone-numbers/bulk';
const lookup = '/v1/sms/phone-numbers/lookup';

const american = (index: number) =>
  `+1${415 + Math.floor(index / 10_000)}555${String(index % 10_000).padStart(4, '0')}`;
const german = (index: number) => `+49 (0) 30 ${1_000_000 + index * 7}`;
const many = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => make(index));
const rich = (seed: number) =>
  Object.fromEntries(many(49, i => [`field_${i}`, `${seed} value ${'u'.repeat(100)}${i}`]));

/** What the inputs are about: made once. */
export async function prepare({ call, key }: World, connection: pg.ClientConfig) {
  const database = new pg.Client(connection);
  await database.connect();
  const make = async (name: string) =>
    (await call('POST', '/v1/organizations', { name })).organization.unique_id;
  const organization = await make('Acme');
  const users = await make('Users');
  const { rows } = await database.query('select id, tenant_id from organizations where unique_id = $1', [
    users,
  ]);
  const [{ id, tenant_id }] = rows;
  await database.query(
    `insert into users (tenant_id, organization_id, id, unique_id, name, email, permission, created_at, modified_at)
     select $1, $2, gen_random_uuid(), 'user_' || i, 'Ann Example ' || i, 'user' || i || '@example.com', 'user', now() + i * interval '1 ms', now()
     from generate_series(1, 50000) i`,
    [tenant_id, id],
  );
  await database.query(
    `insert into organizations (tenant_id, id, unique_id, name, created_at, modified_at)
     select $1, gen_random_uuid(), 'org_many' || i, 'Organization ' || i, now() + i * interval '1 ms', now()
     from generate_series(1, 20000) i`,
    [tenant_id],
  );
  await database.query('analyze');
  const numbers = many(10_000, american);
  for (let from = 0; from < numbers.length; from += 1000)
    await call('POST', '/v1/sms/phone-numbers', {
      organization_id: organization,
      phone_numbers: numbers.slice(from, from + 1000).map(phone_number => ({ phone_number })),
    });
  for (let from = 0; from < 2000; from += 500)
    await call('POST', bulk, {
      items: numbers
        .slice(from, from + 500)
        .map((phone_number, i) => ({ action: 'edit', phone_number, metadata: rich(i) })),
    });
  // One number with many versions, and a log with large events.
  const [one] = numbers.slice(-1);
  for (let i = 0; i < 300; i++)
    await call('PATCH', `/v1/sms/phone-numbers/${one}`, { metadata: { text: String(i % 10).repeat(3500) } });
  const user = (
    await call('POST', `/v1/organizations/${organization}/users`, { name: 'Bob', email: 'bob@example.com' })
  ).user;
  const token = (
    await call('POST', `/v1/organizations/${organization}/users/${user.unique_id}/tokens`, {
      expires_in: 3600,
    })
  ).access_token;
  const account = (await call('POST', '/v1/carrier-accounts', { carrier: 'sandbox', name: 'sandbox' }))
    .carrier_account.id;
  const { rows: batches } = await database.query(
    'select batch_id from batch_items order by octet_length(items::text) desc limit 1',
  );
  await database.end();
  return { organization, users, one, token, account, numbers, batch: batches[0].batch_id, key };
}

export function inputsOf(made: Awaited<ReturnType<typeof prepare>>): Input[] {
  const { organization, users, one, token, account, numbers, batch } = made;
  const json = (value: unknown) => JSON.stringify(value);
  const post = (name: string, path: string, body: string, more: Partial<Input> = {}): Input => ({
    name,
    method: 'POST',
    path,
    body,
    ...more,
  });
  const get = (name: string, path: string, more: Partial<Input> = {}): Input => ({
    name,
    method: 'GET',
    path,
    ...more,
  });
  const edits = (count: number, item: (index: number) => object) =>
    json({ items: many(count, i => ({ action: 'edit', phone_number: numbers[i], ...item(i) })) });
  const list = `/v1/sms/phone-numbers?organization_id=${organization}`;
  const foreign = json({ items: many(10_000, i => ({ action: 'release', phone_number: german(i) })) });
  return [
    get('nothing', '/livez'),
    post('bulk: 16 MB of zeros', bulk, `{"items":[${filled(16 * mega - 20, '0')}]}`),
    post('bulk: 16 MB of zeros', bulk, `{"items":[${filled(16 * mega - 20, '0')}]}`, { times: 4 }),
    post('bulk: 16 MB of objects', bulk, `{"items":[${filled(16 * mega - 20, '{}')}]}`),
    post(
      'bulk: one text of 16 MB',
      bulk,
      `{"items":[{"action":"edit","nickname":"${'x'.repeat(16 * mega - 60)}"}]}`,
    ),
    post(
      'bulk: one list of 16 MB in an item',
      bulk,
      `{"items":[{"action":"edit","metadata":[${filled(16 * mega - 60, '0')}]}]}`,
    ),
    post('bulk: 16 MB of brackets', bulk, '['.repeat(16 * mega - 10)),
    post('bulk: 16 MB of names', bulk, `{${many(900_000, i => `"a${i}":1`).join()}}`),
    post(
      'bulk: 10,000 items of 1,600 bytes of small values',
      bulk,
      json({
        items: many(10_000, i => ({
          action: 'edit',
          phone_number: numbers[i],
          metadata: { a: many(750, () => 0) },
        })),
      }),
    ),
    post(
      'bulk: 10,000 items, each wrong',
      bulk,
      edits(10_000, () => ({ nickname: 7, locked: 'x', tags: [1, 2, 3], metadata: 9 })),
    ),
    post(
      'bulk: 10,000 unknown fields',
      bulk,
      edits(10_000, i => ({ [`nicknam${'e'.repeat(40)}${i}`]: 1 })),
    ),
    post('bulk: 10,000 foreign numbers', bulk, foreign),
    post('bulk: 10,000 foreign numbers, with a key', bulk, foreign, {
      headers: { 'idempotency-key': 'foreign' },
    }),
    post(
      'bulk: 10,000 tags',
      bulk,
      json({ items: many(10_000, i => ({ action: 'tag', phone_number: numbers[i], add: ['west'] })) }),
    ),
    post(
      'bulk: 2,000 items with rich metadata',
      bulk,
      edits(2000, i => ({ metadata: rich(i + 1) })),
    ),
    post(
      'bulk: 2,000 items with rich metadata, with a key',
      bulk,
      edits(2000, i => ({ metadata: rich(i + 2) })),
      { headers: { 'idempotency-key': 'rich' } },
    ),
    post(
      'bulk: 2,000 items with rich metadata',
      bulk,
      edits(2000, i => ({ metadata: rich(i + 3) })),
      { times: 4 },
    ),
    post('look-up: 1,000 foreign numbers, token', lookup, json({ phone_numbers: many(1000, german) }), {
      key: token,
    }),
    post('look-up: 1,000 foreign numbers, token', lookup, json({ phone_numbers: many(1000, german) }), {
      key: token,
      times: 16,
    }),
    post('look-up: 1,000 rich numbers', lookup, json({ phone_numbers: numbers.slice(0, 1000) })),
    post(
      'look-up: 1,000 texts of 1 kB',
      lookup,
      json({ phone_numbers: many(1000, i => `${i}`.repeat(250)) }),
    ),
    post('look-up: 1 MB of zeros, token', lookup, `{"phone_numbers":[${filled(mega - 40, '0')}]}`, {
      key: token,
    }),
    post(
      'add: 1 MB of zeros',
      '/v1/sms/phone-numbers',
      `{"organization_id":"${organization}","phone_numbers":[${filled(mega - 100, '0')}]}`,
    ),
    post(
      'add: 1,000 wrong numbers',
      '/v1/sms/phone-numbers',
      json({
        organization_id: organization,
        phone_numbers: many(1000, i => ({ phone_number: `0${i}`, nickname: 7, tagss: 1 })),
      }),
    ),
    post(
      'add: 1,000 foreign numbers',
      '/v1/sms/phone-numbers',
      json({
        organization_id: organization,
        phone_numbers: many(1000, i => ({ phone_number: german(i), metadata: { text: 'x'.repeat(850) } })),
      }),
    ),
    post(
      'adopt: a map of 100,000 foreign numbers',
      `/v1/carrier-accounts/${account}/adopt`,
      json({
        map: many(100_000, i => ({ phone_number: german(i), organization_id: organization })),
        rules: [],
      }),
      { headers: { 'idempotency-key': 'adopt' } },
    ),
    post(
      'users: 1 MB of names',
      `/v1/organizations/${organization}/users`,
      `{${many(80_000, i => `"a${i}":1`).join()}}`,
    ),
    post('keys: 1 MB of zeros', '/v1/keys', `{"name":[${filled(mega - 20, '0')}]}`),
    post(
      'tags: 9,000 wrong',
      '/v1/sms/phone-numbers',
      json({
        organization_id: organization,
        phone_numbers: many(9, i => ({ phone_number: numbers[i], tags: many(999, () => 7) })),
      }),
    ),
    get('20,000 organizations', '/v1/organizations'),
    get('20,000 organizations', '/v1/organizations', { times: 10 }),
    get('50,000 users', `/v1/organizations/${users}/users`),
    get('50,000 users', `/v1/organizations/${users}/users`, { times: 10 }),
    get(
      'events: 1,000 large ones',
      `/v1/events?organization_id=${organization}&after_revision=10&limit=1000`,
    ),
    get(
      'events: 1,000 large ones, unread',
      `/v1/events?organization_id=${organization}&after_revision=10&limit=1000`,
      { times: 40, unread: true },
    ),
    get('a batch of rich items', `/v1/batches/${batch}`),
    get('a batch of rich items, unread', `/v1/batches/${batch}`, { times: 40, unread: true }),
    get('history of 300 versions', `/v1/sms/phone-numbers/${one}/history`),
    get('history of 300 versions, unread', `/v1/sms/phone-numbers/${one}/history`, {
      times: 40,
      unread: true,
    }),
    get('a page of 1,000 rich numbers', `${list}&view=full&limit=1000`),
    get('a page of 1,000 rich numbers, unread', `${list}&view=full&limit=1000`, { times: 40, unread: true }),
    get('a list of 10,000', list),
    get('summary', `/v1/sms/phone-numbers/summary?organization_id=${organization}`),
    get('the API as OpenAPI', '/openapi.json'),
  ];
}
