import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { check } from './check/check.ts';
import { textFormats } from './http/text-formats.ts';
import { placeOrders } from './orders/place.ts';
import { reconcile } from './reconciliation/testing.ts';
import type { Known } from './testing/arbitrary.ts';
import { attempts, type Secrets } from './testing/attempts.ts';
import {
  newCarrierAccount,
  newCarrierNumbers,
  own,
  registerOrganization,
  runCaller,
} from './testing/carrier-numbers.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from './testing/factories.ts';
import { asUser } from './testing/names.ts';
import { type RawReply, request } from './testing/request.ts';
import { type Operation, operationsOf } from './testing/routes.ts';
import { fuzzing } from './testing/runs.ts';
import { startTestServer, type TestServer } from './testing/server.ts';
import { requestFor } from './testing/shop.ts';

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);
for (const [name, format] of Object.entries(textFormats)) ajv.addFormat(name, format);

// A sandbox that hangs is given up at once, and no caller is kept waiting for an outcome: any answer will do here.
const hasty = { timeoutMs: 1, settleMs: 100, patienceMs: 100 };
const server: TestServer = await startTestServer(undefined, hasty);
after(() => server.stop());
const operations = operationsOf((await server.call('GET', '/openapi.json')).body);
const secrets = await mintSecrets();

for (const operation of operations) {
  test(`${operation.operationId} answers whatever it is asked as declared`, async () => {
    const answered = new Set<number>();
    const { known, states } = await populate(operation);
    // Most numbers are in other states than the one that the operation is for.
    const fitting = states[starting[operation.operationId] ?? ''] ?? [];
    known.phone_number!.push(...fitting, ...fitting, ...fitting);
    const verify = verifier(operation);
    const property = fc.asyncProperty(attempts(affordable(operation), known, secrets), async attempt => {
      const { method } = operation;
      const { path, headers, body = '' } = attempt;
      const answer = await request(server.url, path, {
        ...{ method, headers },
        ...(method !== 'GET' && { body }),
      });
      verify(answer);
      answered.add(answer.status);
    });
    const succeeded = () => [...answered].some(status => status < 300);
    // Some take luck: an organization, a user of it and a number that fits, all in one attempt.
    const { numRuns, seed } = fuzzing('requests');
    for (let round = 0; round < 200 && !succeeded(); round++)
      await fc.assert(property, { numRuns, seed: seed + round });
    // Otherwise all of this has only shown that everything is refused.
    assert(succeeded(), `only ${[...answered]} came back`);
  });
}

test('after all that nothing contradicts anything', async () => {
  const { findings, events } = await check(server.database);
  assert.deepEqual(findings, []);
  assert(events > 0);
});

/** The state that a number must be in for these to do anything. */
const starting: Record<string, string> = {
  assignNumber: 'available',
  unassignNumber: 'assigned',
  reserveNumber: 'available',
  endCoolDown: 'cooling_down',
  transferNumber: 'available',
  restoreNumber: 'releasing',
  attachNumber: 'pending',
  resolveDrift: 'drift',
};

/** Without long waits, and without purchases by the thousand, which would go on beside all other tests. */
function affordable(operation: Operation): Operation {
  const copy: Operation = JSON.parse(JSON.stringify(operation), (name, value) =>
    name === 'quantity' && value.maximum ? { ...value, maximum: 5 } : value,
  );
  for (const { name, schema } of copy.parameters ?? []) if (name === 'wait') schema.maximum = 1;
  return copy;
}

/** What is declared is what may come back, and nothing else. */
function verifier({ responses }: Operation): (answer: RawReply) => void {
  const validators = new Map<string, Map<string, ValidateFunction>>();
  for (const [status, { content = {} }] of Object.entries(responses)) {
    const media = Object.entries(content).map(([type, { schema }]) => [type, ajv.compile(schema)] as const);
    validators.set(status, new Map(media));
  }
  return ({ status, headers, text }) => {
    assert(status < 500, `${status} ${text}`);
    const declared = validators.get(String(status));
    assert(declared, `${status} is not declared: ${text}`);
    assert(headers['x-request-id']);
    if (declared.size === 0) return assert.equal(text, '');
    const [type, charset] = headers['content-type']?.split('; ') ?? [];
    const validate = declared.get(type!);
    assert(validate && charset === 'charset=utf-8', `${headers['content-type']} is not declared`);
    const body = type === 'application/json' ? JSON.parse(text) : text;
    assert(validate(body), `${ajv.errorsText(validate.errors)}: ${text}`);
  };
}

async function mintSecrets(): Promise<Secrets> {
  const organization = await newOrganization(server);
  const bearer = async (permission: 'admin' | 'user') =>
    (await asUser(server, organization, permission)).authorization!.replace('Bearer ', '');
  return {
    key: server.key,
    readKey: await server.newKey({ permission: 'read' }),
    adminToken: await bearer('admin'),
    userToken: await bearer('user'),
  };
}

/** Everything in one organization and nothing in another, so that requests get past what does not exist. */
async function populate(operation: Operation): Promise<{ known: Known; states: Record<string, string[]> }> {
  const call = async (method: string, path: string, body?: unknown) => {
    const reply = await server.call(method, path, { body });
    assert(reply.status < 300, reply.text);
    return reply.body;
  };
  const settings = (seconds: number) =>
    call('PATCH', '/v1/tenant', {
      cool_down_seconds: seconds,
      release_undo_seconds: seconds,
      transfer_cool_down_seconds: 0,
    });
  const organization = await newOrganization(server);
  const [user, ...others] = await Promise.all(Array.from({ length: 4 }, () => newUser(server, organization)));
  const numbers = Array.from({ length: 84 }, uniqueNumber);
  const [available, assigned, cooling_down, releasing, reserved, released] = [
    numbers.slice(0, 24),
    numbers.slice(24, 44),
    numbers.slice(44, 58),
    numbers.slice(58, 72),
    numbers.slice(72, 80),
    numbers.slice(80),
  ] as [string[], string[], string[], string[], string[], string[]];
  await newNumbers(
    server,
    organization,
    numbers.map(phone_number => ({
      phone_number,
      ...([...assigned, ...cooling_down].includes(phone_number) && { user_id: user! }),
    })),
  );
  // At a carrier that does not attach them.
  const { db } = server.database;
  const caller = await runCaller(db, organization);
  await registerOrganization(db, caller, organization, 'rejected-campaign');
  const pending = Array.from({ length: 8 }, uniqueNumber);
  const account = await newCarrierAccount(db, caller);
  await newCarrierNumbers(db, caller, organization, account, pending, { pending: true });
  const tags = ['west', 'front desk'];
  const bulk = (of: string[], item: object) =>
    call('POST', '/v1/sms/phone-numbers/bulk', {
      items: of.map(phone_number => ({ phone_number, ...item })),
      atomic: true,
    });
  await bulk(numbers, { action: 'tag', add: tags });
  await settings(3600);
  await bulk(cooling_down, { action: 'unassign' });
  await bulk(releasing, { action: 'release' });
  await settings(0);
  await bulk(released, { action: 'release' });
  const reservations: string[] = [];
  for (const number of reserved) {
    const held = await call('POST', `/v1/sms/phone-numbers/${number}/reserve`, { expires_in: 86_400 });
    reservations.push(held.reservation_id);
  }
  const path = `/v1/organizations/${organization}/users/${user}/tokens`;
  const { token } = await call('POST', path, { expires_in: 3600 });
  const { key } = await call('POST', '/v1/keys', { name: 'to be revoked', permission: 'read' });
  const { events } = await call('GET', `/v1/events?organization_id=${organization}`);
  const { rows: charges } = await server.database.pool.query<{ id: string }>(
    `insert into charges (tenant_id, organization_id, id, type, phone_number_id, phone_number, amount, period_start, at)
    select tenant_id, organization_id, gen_random_uuid(), 'number.weekly_fee', id, phone_number, 1.25, created_at, created_at
    from phone_numbers where phone_number = any($1) returning id`,
    [assigned],
  );
  const elsewhere = await newOrganization(server);
  const accounts: string[] = [];
  for (let place = 0; place < 5; place++) {
    const body = { carrier: 'sandbox', name: `${organization} ${place}` };
    accounts.push((await call('POST', '/v1/carrier-accounts', body)).carrier_account.id);
  }
  // Whatever the settings were made meanwhile, here numbers can be bought.
  const buying = {
    purchases_enabled: true,
    max_numbers_per_organization: 100_000,
    monthly_spending_cap: null,
  };
  await call('PATCH', '/v1/tenant', { ...buying, carrier_account_id: accounts[0] });
  await call('PATCH', `/v1/organizations/${organization}`, { sms_active: true });
  const requested = requestFor({ area_code: '212' });
  const requests = Array.from({ length: 40 }, () => requested);
  // Nobody works on these for an hour.
  const held = { organization_id: organization, requests, bulk_id: null, leaseMs: 3_600_000 };
  const orders = operation.path.startsWith('/v1/sms/orders/') ? await placeOrders(db, caller, held) : [];
  const drift = Array.from({ length: 60 }, uniqueNumber);
  const runs: string[] = [];
  if (operation.path.startsWith('/v1/carrier-runs/')) {
    const owned = drift.map(phone_number => ({ phone_number, tags }));
    await own(db, accounts[0]!, owned);
    runs.push((await reconcile(server, accounts[0]!, 'compare')).id);
  }
  const known = {
    organization_id: [organization, organization, elsewhere],
    to_organization_id: [organization, elsewhere, elsewhere],
    user_id: [...Array(6).fill(user), ...others],
    assigned_to: [user!],
    phone_number: [...numbers, ...pending],
    phone_numbers: numbers,
    free_number: Array.from({ length: 300 }, uniqueNumber),
    reservation_id: reservations,
    batch_id: events.flatMap((event: { data: { batch_id?: string } }) => event.data.batch_id ?? []),
    token_id: [token.id],
    key_id: [key.id],
    account_id: accounts,
    carrier_account_id: accounts,
    ...(orders.length > 0 && { order_id: orders }),
    ...(runs.length > 0 && { run_id: runs }),
    tag: tags,
    tags,
    add: [...tags, 'new'],
    remove: tags,
    area_code: ['201', '415'],
    country: ['US'],
    starts_with: ['+1', '1201', '+120155'],
    ends_with: ['1', '01'],
    contains: ['55', '5501'],
    from: ['2024-01-01', '2024-01-01T00:00:00Z'],
    to: ['2999-01-01', '2999-01-01T00:00:00+05:30'],
    cursor: charges.map(({ id }) => id),
    as_of: ['0', '1', '3', '2024-01-01T00:00:00Z', '2999-01-01T00:00:00.5+05:30'],
  };
  return { known, states: { available, assigned, cooling_down, releasing, pending, drift } };
}
