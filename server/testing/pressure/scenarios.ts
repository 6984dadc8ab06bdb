import { existsSync, readFileSync } from 'node:fs';
import { callApi, importFile } from '../request.ts';
import { amountOf } from '../runs.ts';
import { csvOf, foreignNumber } from './numbers.ts';
import { type Headers, type Rudeness, requestBytes } from './rude.ts';

/** What the heavy tenant has: see world.ts. */
export type Neighbour = {
  url: string;
  /** An admin key, and a key that only reads. */
  key: string;
  readKey: string;
  /** A token of a user without rights. */
  token: string;
  account: string;
  /** Where numbers may be added from. */
  numbersFrom: number;
};

/** The organizations of the heavy tenant. */
export const organizations = {
  /** Has many numbers. */
  large: 'a_large',
  /** Has large events. */
  log: 'a_log',
  /** Gets numbers during the scenarios. */
  growing: 'a_growing',
  /** Buys. */
  shop: 'a_shop',
};

export type Scenario = {
  title: string;
  /** The answers that A may get, besides 200 and 429: refusals by name of what is A's own fault. */
  refusals?: RegExp;
  /** Whether some of A's requests must be refused sooner or later. `npm run soak` waits for that. */
  isRefused?: boolean;
  /** Whether B also orders a number. */
  withOrder?: boolean;
  /** Resolves when the load is up. */
  begin(rude: Rudeness, a: Neighbour): Promise<unknown>;
  /** What ends with the load. */
  end?(a: Neighbour): Promise<unknown>;
};

const numbersPath = '/v1/sms/phone-numbers';
const json = { 'content-type': 'application/json' };
const csv = { 'content-type': 'text/csv', 'transfer-encoding': 'chunked' };
const listOf = (organization: string) => `${numbersPath}?organization_id=${organization}`;
const withKey = (key: string): Headers => ({ 'x-api-key': key });

/** @param of the serial number of the request */
const inTurn = (of: (serial: number) => Buffer) => {
  let serial = 0;
  return () => of(serial++);
};

const get = (path: string, key: string) => requestBytes('GET', path, withKey(key));

const zeros = (connections: number): Scenario => ({
  title: `${connections} × a bulk body of 16 MB of zeros`,
  refusals: /^(400|413) /,
  isRefused: true,
  begin(rude, { key }) {
    const items = '0,'.repeat(8 * 1_048_576 - 20);
    const body = Buffer.from(`{"items":[${items}0]}`);
    const bytes = requestBytes('POST', `${numbersPath}/bulk`, { ...withKey(key), ...json }, body);
    return rude.asking(connections, () => bytes);
  },
});

const heavyRead = (what: string, query: (serial: number) => string, path = numbersPath): Scenario => ({
  title: `24 × ${what} of ${amountOf('largeNumbers')} numbers`,
  begin: (rude, { readKey }) =>
    rude.asking(
      24,
      inTurn(serial => get(`${path}?organization_id=${organizations.large}${query(serial)}`, readKey)),
    ),
});

const digits = (serial: number) => String(1000 + (serial % 9000));
const contains = (serial: number) => `&contains=${digits(serial)}7&limit=100`;

const longLists = (connections: number, how: 'read slowly' | 'unread'): Scenario => ({
  title: `${connections} long lists ${how}`,
  isRefused: true,
  begin: async (rude, { readKey }) => {
    const first = () => get(listOf(organizations.large), readKey);
    const { answered } = await rude.holding(connections, {
      first,
      ...(how === 'read slowly' && { sips: 1000 }),
    });
    return answered;
  },
});

const slowUploads = (connections: number): Scenario => ({
  title: `${connections} uploads of a byte now and then`,
  isRefused: true,
  begin: (rude, { key }) =>
    rude.holding(connections, {
      first: () =>
        requestBytes('POST', `${numbersPath}/import?organization_id=${organizations.growing}`, {
          ...withKey(key),
          ...csv,
        }),
      drip: Buffer.from('1\r\n\n\r\n'),
    }),
});

/** 512 combinations of filters. */
function filtersOf(serial: number): string {
  const filters = [
    'area_code=415',
    'starts_with=%2B1',
    'contains=55',
    'ends_with=1',
    'tag=west',
    'nickname=Desk',
    'status=available',
    'created_after=2020-01-01',
    'created_before=2035-01-01',
  ];
  const chosen = filters.filter((_, place) => (serial >> place) & 1);
  return [...chosen, `sort=${serial % 2 ? '-' : ''}phone_number`, 'limit=10'].join('&');
}

/** As many as this machine lets A and the server have open. */
const idle = Math.min(amountOf('idle'), openFilesMax() - 1000);

function openFilesMax(): number {
  if (!existsSync('/proc/self/limits')) return 2000;
  return Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
}

export const scenarios: Scenario[] = [
  zeros(1),
  zeros(2),
  {
    title: "16 × look-ups of 1,000 foreign numbers with a user's token",
    begin: (rude, { token }) =>
      rude.asking(
        16,
        inTurn(serial => {
          const phone_numbers = Array.from({ length: 1000 }, (_, i) => foreignNumber(serial * 1000 + i));
          const headers = { authorization: `Bearer ${token}`, ...json };
          return requestBytes('POST', `${numbersPath}/lookup`, headers, JSON.stringify({ phone_numbers }));
        }),
      ),
  },
  {
    title: '4 × bulk of 10,000 foreign numbers',
    begin: (rude, { key }) =>
      rude.asking(
        4,
        inTurn(serial => {
          const items = Array.from({ length: 10_000 }, (_, i) => ({
            action: 'unassign',
            phone_number: foreignNumber(serial * 10_000 + i),
          }));
          const headers = { ...withKey(key), ...json };
          return requestBytes('POST', `${numbersPath}/bulk`, headers, JSON.stringify({ items }));
        }),
      ),
  },
  {
    title: '16 × /openapi.json without a key',
    begin: rude => rude.asking(16, () => requestBytes('GET', '/openapi.json')),
  },
  {
    title: '22 usage files unread',
    isRefused: true,
    begin: async (rude, { readKey }) => {
      const first = () => get('/v1/usage?format=csv', readKey);
      return (await rude.holding(22, { first })).answered;
    },
  },
  longLists(8, 'read slowly'),
  longLists(30, 'unread'),
  slowUploads(4),
  slowUploads(16),
  {
    title: `${amountOf('reports')} import reports unread`,
    // One upload follows the other, as each leaves its report unread.
    begin: async (rude, { key }) => {
      const path = `${numbersPath}/import?organization_id=${organizations.growing}`;
      const file = `phone_number\n${'not a number\n'.repeat(amountOf('rejections'))}`;
      const first = () => requestBytes('POST', path, { ...withKey(key), 'content-type': 'text/csv' }, file);
      return (await rude.holding(amountOf('reports'), { first })).answered;
    },
  },
  {
    title: `20 edits of one organization during its import of ${amountOf('imported')}`,
    refusals: /^409 /,
    begin: async (rude, a) => {
      let from = a.numbersFrom;
      rude.repeating(async () => {
        const body = csvOf(from, amountOf('imported'));
        from += amountOf('imported');
        await importFile(a.url, organizations.growing, { key: a.key, body });
      });
      const path = `/v1/organizations/${organizations.growing}`;
      const headers = { ...withKey(a.key), ...json };
      const edit = (serial: number) => requestBytes('PATCH', path, headers, `{"name":"Name ${serial}"}`);
      return rude.asking(20, inTurn(edit));
    },
  },
  {
    title: '64 clients with wrong keys',
    refusals: /^401 /,
    isRefused: true,
    begin: rude =>
      rude.asking(
        64,
        inTurn(serial => get(listOf('org_abc123'), `lk_live_${String(serial).padStart(38, 'x')}`)),
      ),
  },
  heavyRead('`contains`', contains),
  heavyRead('`nickname`', serial => `&nickname=nobody${serial}`),
  heavyRead('a summary', () => '', `${numbersPath}/summary`),
  heavyRead('`as_of`', serial => `&as_of=2&limit=100&total=true&contains=${digits(serial)}`),
  {
    title: '200 heavy reads abandoned, again and again',
    begin: (rude, { readKey }) =>
      rude.hangingUp(
        200,
        inTurn(serial => get(`${listOf(organizations.large)}${contains(serial)}&total=true`, readKey)),
      ),
  },
  {
    title: '2,000 followers of one key',
    isRefused: true,
    begin: async (rude, { url, key, readKey }) => {
      const path = `/v1/organizations/${organizations.growing}`;
      const { body } = await callApi(
        url,
        'GET',
        `/v1/events?organization_id=${organizations.growing}&limit=1`,
        {
          key,
        },
      );
      let { revision } = body;
      const wait = () =>
        get(
          `/v1/events?organization_id=${organizations.growing}&after_revision=${revision}&wait=60`,
          readKey,
        );
      rude.repeating(async () => {
        await expectOk(callApi(url, 'PATCH', path, { key, body: { name: `Followed ${revision}` } }));
        revision++;
        await new Promise(resolve => setTimeout(resolve, 200));
      });
      return rude.asking(2000, wait, { waits: true });
    },
  },
  {
    title: `40 × the log's ${amountOf('largeEvents')} large events`,
    begin: (rude, { readKey }) =>
      rude.asking(40, () => get(`/v1/events?organization_id=${organizations.log}&limit=1000`, readKey)),
  },
  {
    title: '520 different filters of a read key',
    begin: (rude, { readKey }) =>
      rude.asking(
        8,
        inTurn(serial => get(`${listOf(organizations.log)}&${filtersOf(serial % 520)}`, readKey)),
      ),
  },
  {
    title: `${amountOf('halves')} half-sent bodies and heads`,
    begin: (rude, { key }) => {
      const head = Buffer.from(`GET ${listOf(organizations.log)} HTTP/1.1\r\nhost: linekeeper\r\nx-half`);
      const length = { 'content-length': '1000', ...json };
      const body = requestBytes('POST', `${numbersPath}/lookup`, { ...withKey(key), ...length });
      const halves = [head, Buffer.concat([body, Buffer.from('{"phone')])];
      return rude.holding(amountOf('halves'), { first: slot => halves[slot % 2]! });
    },
  },
  {
    title: `${idle} idle connections`,
    begin: rude => rude.holding(idle, { first: () => Buffer.alloc(0) }),
  },
  {
    title: `8 × lists of ${amountOf('manyOrganizations')} organizations`,
    begin: (rude, { readKey }) => rude.asking(8, () => get('/v1/organizations', readKey)),
  },
  {
    title: 'a carrier that hangs, with 300 orders',
    withOrder: true,
    begin: async (_rude, { url, key, account }) => {
      const hang = { call: 'search', kind: 'hang', times: 1000 };
      await expectOk(
        callApi(url, 'PUT', faultsOf(account), { key, body: { faults: Array(100).fill(hang) } }),
      );
      for (let i = 0; i < 3; i++) {
        const items = [{ area_code: '415', quantity: 100 }];
        const body = { organization_id: organizations.shop, items };
        await expectOk(callApi(url, 'POST', '/v1/sms/orders', { key, body }));
      }
    },
    async end({ url, key, account }) {
      await expectOk(callApi(url, 'PUT', faultsOf(account), { key, body: { faults: [] } }));
    },
  },
];

const faultsOf = (account: string) => `/v1/carrier-accounts/${account}/sandbox/faults`;

async function expectOk(call: ReturnType<typeof callApi>): Promise<void> {
  const { status, text } = await call;
  if (status >= 300) throw new Error(text);
}
