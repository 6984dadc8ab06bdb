import type { Names } from './names.ts';

export type Call = { path: string; body?: unknown; headers?: Record<string, string> };

/** By route, how it is called with the names of somebody else, or, with `own`, for oneself with their names in it. */
export type Matrix = Record<string, (theirs: Names, own: Names) => Call[]>;

const numbers = '/v1/sms/phone-numbers';
const free = '+14155550199';
/** Whoever may not see an organization is not told its revision either. */
export const ifMatch = { 'if-match': '999' };

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

/** The routes of numbers. */
export const ofNumbers: Matrix = {
  'GET /v1/sms/phone-numbers': (theirs, own) => [
    ...[
      '',
      '&limit=1',
      '&view=full&total=true',
      '&as_of=5',
      `&as_of=${new Date().toISOString()}`,
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
    // Organizations that the file names, and numbers that are theirs.
    ...['', `organization_id=${own.organization}&`, 'create_organizations=true&create_users=true&'].flatMap(
      more =>
        [theirs.available, theirs.assigned, theirs.reserved, free].map(number => ({
          path: `${numbers}/import?${more}update=true&dry_run=true`,
          body: `organization,phone_number,nickname,user\n${theirs.organization},${number},Taken,${theirs.email}\n`,
          headers: { 'content-type': 'text/csv' },
        })),
    ),
    {
      path: `${numbers}/import?organization_id=${own.organization}&update=true`,
      body: `organization,phone_number,nickname,user\n${theirs.organization},${theirs.available},Taken,\n${theirs.organization},${free},,\n`,
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
};
