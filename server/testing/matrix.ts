import type { Names } from './names.ts';

export type Call = { path: string; body?: unknown; headers?: Record<string, string> };

const numbers = '/v1/sms/phone-numbers';
const accounts = '/v1/carrier-accounts';
const free = '+14155550199';
/** Whoever may not see an organization is not told its revision either. */
const ifMatch = { 'if-match': '999' };

/** Their numbers in every state, each by itself and as one that is asked for in an organization. */
const each = (theirs: Names, own: Names, more: (path: string) => Call[]): Call[] =>
  [theirs.available, theirs.assigned, theirs.reserved, theirs.coolingDown, theirs.releasing, theirs.released]
    .flatMap(number => [`${numbers}/${number}`, `${numbers}/${number}`])
    .flatMap((path, index) =>
      more(path).map(call =>
        index % 2 === 0 ? call : { ...call, path: `${call.path}?organization_id=${own.organization}` },
      ),
    );

/** A change to each of their numbers, also with a condition, and to one's own as one of theirs. */
const changing = (theirs: Names, own: Names, mine: string, action: string, body?: object): Call[] => [
  ...each(theirs, own, path => [{ path: `${path}${action}`, ...(body && { body }) }]),
  { path: `${numbers}/${theirs.available}${action}`, headers: ifMatch, ...(body && { body }) },
  {
    path: `${numbers}/${mine}${action}?organization_id=${theirs.organization}`,
    ...(body && { body }),
  },
];

/** How each route is called with the names of somebody else, or, with `own`, for oneself with their names in it. */
export const matrix: Record<string, (theirs: Names, own: Names) => Call[]> = {
  'POST /v1/keys': theirs => [
    { path: '/v1/keys', body: { name: 'key', permission: 'read', organization_id: theirs.organization } },
  ],
  'GET /v1/keys': () => [{ path: '/v1/keys' }],
  'DELETE /v1/keys/:key_id': theirs => [{ path: `/v1/keys/${theirs.key}` }],
  'GET /v1/tenant': () => [{ path: '/v1/tenant' }],
  // Nobody can name another tenant; the victim's own settings are looked at after every test.
  'PATCH /v1/tenant': theirs => [
    { path: '/v1/tenant', body: { low_stock_threshold: 7 } },
    { path: '/v1/tenant', body: { carrier_account_id: theirs.account } },
  ],
  // The same for everybody.
  'GET /v1/carriers': () => [{ path: '/v1/carriers' }],
  'GET /v1/carrier-accounts': () => [{ path: '/v1/carrier-accounts' }],
  // Nobody can name another tenant here either.
  'POST /v1/carrier-accounts': () => [
    { path: '/v1/carrier-accounts', body: { carrier: 'sandbox', name: '' } },
  ],
  'GET /v1/carrier-accounts/:account_id': theirs => [{ path: `${accounts}/${theirs.account}` }],
  'PATCH /v1/carrier-accounts/:account_id': theirs =>
    [
      { status: 'disabled' },
      { name: 'Taken' },
      { credentials: {} },
      { credentials: { url: 'http://10.0.0.1' } },
    ].map(body => ({ path: `${accounts}/${theirs.account}`, body })),
  'DELETE /v1/carrier-accounts/:account_id': theirs => [{ path: `${accounts}/${theirs.account}` }],
  'POST /v1/carrier-accounts/:account_id/test': theirs => [{ path: `${accounts}/${theirs.account}/test` }],
  'GET /v1/carrier-accounts/:account_id/sandbox': theirs => [
    { path: `${accounts}/${theirs.account}/sandbox` },
  ],
  'PUT /v1/carrier-accounts/:account_id/sandbox/faults': theirs => [
    {
      path: `${accounts}/${theirs.account}/sandbox/faults`,
      body: { faults: [{ call: 'buy', kind: 'timeout_after', times: 9 }] },
    },
  ],
  'GET /v1/sms/phone-numbers/config': () => [{ path: `${numbers}/config` }],
  'POST /v1/carrier-accounts/:account_id/compare': theirs => [
    { path: `${accounts}/${theirs.account}/compare` },
    { path: `${accounts}/${theirs.account}/compare?may_be_missing=0` },
  ],
  'POST /v1/carrier-accounts/:account_id/adopt': (theirs, own) => {
    const everything = (organization_id: string) => ({ rules: [{ organization_id, everything: true }] });
    const map = [{ phone_number: theirs.drift, organization_id: theirs.organization }];
    return [
      { path: `${accounts}/${theirs.account}/adopt`, body: everything(own.organization) },
      {
        path: `${accounts}/${theirs.account}/adopt`,
        body: { ...everything(own.organization), dry_run: false },
      },
      { path: `${accounts}/${own.account}/adopt`, body: everything(theirs.organization) },
      { path: `${accounts}/${own.account}/adopt`, body: { map } },
    ];
  },
  'GET /v1/carrier-accounts/:account_id/runs': theirs => [
    { path: `${accounts}/${theirs.account}/runs` },
    { path: `${accounts}/${theirs.account}/runs?limit=1&cursor=${theirs.run}` },
  ],
  'GET /v1/carrier-runs/:run_id': theirs => [{ path: `/v1/carrier-runs/${theirs.run}` }],
  'GET /v1/carrier-runs/:run_id/drift': theirs =>
    ['', '?pile=not_here', '?include_resolved=true&limit=1'].map(query => ({
      path: `/v1/carrier-runs/${theirs.run}/drift${query}`,
    })),
  'POST /v1/carrier-runs/:run_id/drift/:phone_number/resolve': (theirs, own) =>
    [
      { action: 'adopt', organization_id: own.organization },
      { action: 'ignore' },
      { action: 'release_at_carrier', confirm: true },
    ].flatMap(body => [
      { path: `/v1/carrier-runs/${theirs.run}/drift/${theirs.drift}/resolve`, body },
      { path: `/v1/carrier-runs/${own.run}/drift/${theirs.drift}/resolve`, body },
    ]),
  // Without a name, so that it fails alike for all; "what another tenant has can be one's own too" has the other half.
  'POST /v1/organizations': theirs => [
    { path: '/v1/organizations', body: { name: '', unique_id: theirs.organization } },
  ],
  'GET /v1/organizations': () => [{ path: '/v1/organizations' }],
  'GET /v1/organizations/:organization_id': theirs => [{ path: `/v1/organizations/${theirs.organization}` }],
  'PATCH /v1/organizations/:organization_id': (theirs, own) => [
    ...[{}, ifMatch].map(headers => ({
      path: `/v1/organizations/${theirs.organization}`,
      body: { name: 'Taken', status: 'suspended' },
      headers,
    })),
    { path: `/v1/organizations/${theirs.organization}`, body: { carrier_account_id: null } },
    { path: `/v1/organizations/${own.organization}`, body: { carrier_account_id: theirs.account } },
  ],
  'POST /v1/organizations/:organization_id/users': theirs => [
    {
      path: `/v1/organizations/${theirs.organization}/users`,
      body: { name: 'Eve', email: 'eve@example.com', permission: 'admin' },
    },
  ],
  'GET /v1/organizations/:organization_id/users': theirs => [
    { path: `/v1/organizations/${theirs.organization}/users` },
  ],
  'GET /v1/organizations/:organization_id/users/:user_id': (theirs, own) => [
    { path: `/v1/organizations/${theirs.organization}/users/${theirs.user}` },
    { path: `/v1/organizations/${own.organization}/users/${theirs.user}` },
  ],
  'PATCH /v1/organizations/:organization_id/users/:user_id': (theirs, own) => [
    { path: `/v1/organizations/${theirs.organization}/users/${theirs.user}`, body: { status: 'suspended' } },
    { path: `/v1/organizations/${own.organization}/users/${theirs.user}`, body: { status: 'suspended' } },
  ],
  'POST /v1/organizations/:organization_id/users/:user_id/tokens': (theirs, own) =>
    [theirs.organization, own.organization].map(organization => ({
      path: `/v1/organizations/${organization}/users/${theirs.user}/tokens`,
      body: { expires_in: 60 },
    })),
  'DELETE /v1/organizations/:organization_id/users/:user_id/tokens/:token_id': (theirs, own) =>
    [theirs, { ...theirs, organization: own.organization }, { ...own, token: theirs.token }].map(names => ({
      path: `/v1/organizations/${names.organization}/users/${names.user}/tokens/${names.token}`,
    })),
  'GET /v1/events': theirs => [
    { path: `/v1/events?organization_id=${theirs.organization}` },
    { path: `/v1/events?organization_id=${theirs.organization}&after_revision=3&limit=1` },
  ],
  'GET /v1/usage': theirs => [
    ...['', '&limit=1', '&format=csv', '&from=2024-01-01&to=2999-01-01'].map(more => ({
      path: `/v1/usage?organization_id=${theirs.organization}${more}`,
    })),
    { path: `/v1/usage?organization_id=${theirs.organization}`, headers: { accept: 'text/csv' } },
  ],
  'GET /v1/batches/:batch_id': theirs => [
    { path: `/v1/batches/${theirs.batch}` },
    { path: `/v1/batches/${theirs.batch}?piece=0` },
  ],
  'GET /v1/sms/phone-numbers': (theirs, own) => [
    ...[
      '',
      '&limit=1',
      '&view=full&total=true',
      '&as_of=5',
      '&as_of=2999-01-01T00:00:00Z',
      '&status=reserved',
      '&format=csv',
      '&format=ndjson&view=full&as_of=5',
    ].map(more => ({ path: `${numbers}?organization_id=${theirs.organization}${more}` })),
    ...Object.entries({ 'if-none-match': '*', accept: 'text/csv' }).map(([name, value]) => ({
      path: `${numbers}?organization_id=${theirs.organization}`,
      headers: { [name]: value },
    })),
    ...[
      `assigned_to=${theirs.user}`,
      `assigned_to=${theirs.email}`,
      `tag=${theirs.tag}`,
      `nickname=${theirs.nickname}`,
      `contains=${theirs.available.slice(1)}`,
      `as_of=5&starts_with=${theirs.available.slice(1)}`,
    ].map(filter => ({ path: `${numbers}?organization_id=${own.organization}&total=true&${filter}` })),
    ...['csv', 'ndjson'].map(format => ({
      path: `${numbers}?organization_id=${own.organization}&assigned_to=${theirs.user}&format=${format}`,
    })),
  ],
  'GET /v1/sms/phone-numbers/available': (theirs, own) => [
    { path: `${numbers}/available?organization_id=${theirs.organization}` },
    { path: `${numbers}/available?organization_id=${theirs.organization}&as_of=5&total=true` },
    ...['csv', 'ndjson'].map(format => ({
      path: `${numbers}/available?organization_id=${theirs.organization}&format=${format}`,
    })),
    { path: `${numbers}/available?organization_id=${own.organization}&tag=${theirs.tag}` },
  ],
  'GET /v1/sms/phone-numbers/summary': theirs => [
    { path: `${numbers}/summary?organization_id=${theirs.organization}` },
  ],
  'POST /v1/sms/phone-numbers': (theirs, own) => [
    {
      path: numbers,
      body: { organization_id: theirs.organization, phone_numbers: [{ phone_number: free }] },
    },
    ...[theirs.user, theirs.email].map(user_id => ({
      path: numbers,
      body: { organization_id: own.organization, phone_numbers: [{ phone_number: free, user_id }] },
    })),
  ],
  'POST /v1/sms/phone-numbers/import': (theirs, own) => [
    ...[{}, ifMatch].map(more => ({
      path: `${numbers}/import?organization_id=${theirs.organization}`,
      body: `phone_number\n${free}\n`,
      headers: { 'content-type': 'text/csv', ...more },
    })),
    {
      path: `${numbers}/import?organization_id=${own.organization}`,
      body: `phone_number,user\n${free},${theirs.user}\n+14155550198,${theirs.email}\n`,
      headers: { 'content-type': 'text/csv' },
    },
  ],
  'POST /v1/sms/phone-numbers/bulk': (theirs, own) => {
    const all = [theirs.available, theirs.assigned, theirs.coolingDown, theirs.releasing, theirs.released];
    const items = all.flatMap(phone_number => [
      { action: 'assign', phone_number, user_id: theirs.user },
      { action: 'assign', phone_number, user_id: own.user },
      { action: 'unassign', phone_number },
      { action: 'tag', phone_number, add: ['taken'], remove: [theirs.tag] },
      { action: 'transfer', phone_number, to_organization_id: own.organization, end_assignment: true },
      { action: 'transfer', phone_number, to_organization_id: theirs.organization, end_assignment: true },
      { action: 'edit', phone_number, nickname: 'Taken', metadata: {} },
      { action: 'release', phone_number },
    ]);
    items.push({ action: 'assign', phone_number: own.available, user_id: theirs.user }, {
      action: 'transfer',
      phone_number: own.available,
      to_organization_id: theirs.organization,
    } as never);
    return [{}, { dry_run: true }, { atomic: true }].map(more => ({
      path: `${numbers}/bulk`,
      body: { items, ...more },
    }));
  },
  'POST /v1/sms/phone-numbers/claim': (theirs, own) => [
    { path: `${numbers}/claim`, body: { organization_id: theirs.organization, user_id: theirs.user } },
    { path: `${numbers}/claim`, body: { organization_id: theirs.organization, user_id: own.user } },
    { path: `${numbers}/claim`, body: { organization_id: own.organization, user_id: theirs.user } },
    {
      path: `${numbers}/claim`,
      body: { organization_id: own.organization, user_id: own.user, tags: [theirs.tag, 'no such tag'] },
    },
  ],
  'GET /v1/sms/phone-numbers/:phone_number': theirs =>
    [theirs.available, theirs.assigned, theirs.reserved].map(number => ({ path: `${numbers}/${number}` })),
  'POST /v1/sms/phone-numbers/lookup': (theirs, own) => [
    {
      path: `${numbers}/lookup`,
      body: { phone_numbers: [theirs.available, theirs.assigned, theirs.reserved, theirs.coolingDown] },
    },
    { path: `${numbers}/lookup`, body: { phone_numbers: [own.available, theirs.available] } },
  ],
  'GET /v1/sms/phone-numbers/:phone_number/history': theirs =>
    [theirs.available, theirs.assigned, theirs.released].map(number => ({
      path: `${numbers}/${number}/history`,
    })),
  'PATCH /v1/sms/phone-numbers/:phone_number': theirs =>
    [{}, ifMatch].map(headers => ({
      path: `${numbers}/${theirs.available}`,
      body: { nickname: 'Taken', locked: true, tags: [], metadata: {} },
      headers,
    })),
  'DELETE /v1/sms/phone-numbers/:phone_number': (theirs, own) => changing(theirs, own, own.available, ''),
  'POST /v1/sms/phone-numbers/:phone_number/assign': (theirs, own) => [
    ...changing(theirs, own, own.available, '/assign', { user_id: own.user }),
    { path: `${numbers}/${theirs.available}/assign`, body: { user_id: theirs.user } },
    { path: `${numbers}/${own.available}/assign`, body: { user_id: theirs.user } },
  ],
  'DELETE /v1/sms/phone-numbers/:phone_number/assign': (theirs, own) =>
    changing(theirs, own, own.assigned, '/assign'),
  'POST /v1/sms/phone-numbers/:phone_number/reserve': (theirs, own) =>
    changing(theirs, own, own.available, '/reserve', { expires_in: 60 }),
  'POST /v1/sms/phone-numbers/:phone_number/end-cool-down': (theirs, own) =>
    changing(theirs, own, own.coolingDown, '/end-cool-down'),
  'POST /v1/sms/phone-numbers/:phone_number/attach': (theirs, own) =>
    changing(theirs, own, own.available, '/attach'),
  'POST /v1/sms/phone-numbers/:phone_number/restore': (theirs, own) =>
    changing(theirs, own, own.releasing, '/restore'),
  'POST /v1/sms/phone-numbers/:phone_number/transfer': (theirs, own) => [
    ...[own.organization, theirs.organization].flatMap(to_organization_id =>
      changing(theirs, own, own.available, '/transfer', { to_organization_id, end_assignment: true }),
    ),
    { path: `${numbers}/${own.available}/transfer`, body: { to_organization_id: theirs.organization } },
  ],
  'GET /v1/sms/phone-numbers/search': theirs => [
    { path: `${numbers}/search?organization_id=${theirs.organization}&area_code=415` },
  ],
  'POST /v1/sms/phone-numbers/purchase': (theirs, own) => [
    ...[{}, { dry_run: true }, { user_id: theirs.user }].map(more => ({
      path: `${numbers}/purchase`,
      body: { organization_id: theirs.organization, area_code: '415', ...more },
    })),
    {
      path: `${numbers}/purchase`,
      body: { organization_id: own.organization, area_code: '415', user_id: theirs.user },
    },
  ],
  'POST /v1/sms/orders': (theirs, own) => [
    {
      path: '/v1/sms/orders',
      body: { organization_id: theirs.organization, items: [{ area_code: '415', quantity: 2 }] },
    },
    {
      path: '/v1/sms/orders',
      body: {
        organization_id: own.organization,
        items: [{ area_code: '415', quantity: 1, user_id: theirs.user }],
      },
    },
  ],
  'GET /v1/sms/orders': theirs => [
    { path: `/v1/sms/orders?organization_id=${theirs.organization}` },
    { path: `/v1/sms/orders?bulk_id=${theirs.bulk}` },
  ],
  'GET /v1/sms/orders/:order_id': theirs => [{ path: `/v1/sms/orders/${theirs.order}` }],
  'POST /v1/sms/orders/:order_id/cancel': theirs => [{ path: `/v1/sms/orders/${theirs.order}/cancel` }],
  'POST /v1/sms/reservations/:reservation_id/renew': theirs => [
    { path: `/v1/sms/reservations/${theirs.reservation}/renew`, body: { expires_in: 60 } },
  ],
  'POST /v1/sms/reservations/:reservation_id/assign': (theirs, own) =>
    [theirs.user, own.user].map(user_id => ({
      path: `/v1/sms/reservations/${theirs.reservation}/assign`,
      body: { user_id },
    })),
  'DELETE /v1/sms/reservations/:reservation_id': theirs => [
    { path: `/v1/sms/reservations/${theirs.reservation}` },
  ],
};

/** The routes that a user who is no admin may call. */
export const ownRoutes = [
  'GET /v1/sms/phone-numbers',
  'GET /v1/sms/phone-numbers/available',
  'GET /v1/sms/phone-numbers/:phone_number',
  'POST /v1/sms/phone-numbers/lookup',
  'GET /v1/sms/phone-numbers/config',
];

/** What takes a body and yet only reads. */
export const readingPosts = ['POST /v1/sms/phone-numbers/lookup'];
