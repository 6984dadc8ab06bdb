import { ifMatch, type Matrix, ofNumbers } from './matrix-numbers.ts';

const numbers = '/v1/sms/phone-numbers';
const accounts = '/v1/carrier-accounts';

export const matrix: Matrix = {
  'POST /v1/keys': theirs => [
    { path: '/v1/keys', body: { name: 'key', permission: 'read', organization_id: theirs.organization } },
  ],
  'GET /v1/keys': () => [{ path: '/v1/keys' }],
  'DELETE /v1/keys/:key_id': theirs => [{ path: `/v1/keys/${theirs.key}` }],
  'PATCH /v1/keys/:key_id': theirs => [
    { path: `/v1/keys/${theirs.key}`, body: { limits: { requests_per_second: 1 } } },
    { path: `/v1/keys/${theirs.key}`, body: { limits: { requests_per_day: null } } },
  ],
  'GET /v1/limits': () => [{ path: '/v1/limits' }],
  'GET /v1/tenant': () => [{ path: '/v1/tenant' }],
  // Nobody can name another tenant; the victim's own settings are looked at after every test.
  'PATCH /v1/tenant': theirs => [
    { path: '/v1/tenant', body: { low_stock_threshold: 7 } },
    { path: '/v1/tenant', body: { weekly_fee_for: 'all' } },
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
  ...ofNumbers,
  'GET /v1/sms/phone-numbers/search': theirs =>
    [
      'area_code=415',
      'area_code=415,628&ends_with=00',
      'starts_with=415&contains=55*1',
      'toll_free=true',
    ].map(wish => ({ path: `${numbers}/search?organization_id=${theirs.organization}&${wish}` })),
  'POST /v1/sms/phone-numbers/purchase': (theirs, own) => [
    ...[
      {},
      { dry_run: true },
      { user_id: theirs.user },
      { area_code: ['415', '628'], starts_with: '415', ends_with: '00', contains: '55*1' },
      { area_code: undefined, toll_free: true },
    ].map(more => ({
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
      body: {
        organization_id: theirs.organization,
        items: [
          { area_code: '415', quantity: 2 },
          { area_code: ['415', '628'], ends_with: '00', quantity: 1 },
          { toll_free: true, quantity: 1 },
        ],
      },
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
