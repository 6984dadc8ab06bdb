import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { linekeeper } from '../../../cli/testing/command-line.ts';
import { ask, newHome, type ServerProcess, startServer } from '../process.ts';
import { callApi, importFile, type Reply } from '../request.ts';
import { amountOf } from '../runs.ts';
import { type Gauge, openGauge } from './gauge.ts';
import type { Honest } from './honest.ts';
import { csvOf, numberAt } from './numbers.ts';
import { probeVariable } from './probe.ts';
import { type Neighbour, organizations } from './scenarios.ts';

/** A server process with two tenants: A, which scenarios.ts makes heavy or slow, and B, which only uses the product. */
export type World = {
  home: string;
  server: ServerProcess;
  gauge: Gauge;
  a: Neighbour;
  b: Honest;
  /** Starts the server again if it has died of the last scenario. */
  revive(): Promise<void>;
};

const root = join(import.meta.dirname, '..', '..', '..');

export async function openWorld(t: TestContext): Promise<World> {
  const home = await newHome(t);
  const probe = join(home, 'probe');
  const preload = `--import=${join(root, 'server/testing/pressure/probe.ts')}`;
  const variables = { NODE_OPTIONS: preload, [probeVariable]: probe, LINEKEEPER_DEMO: '0' };
  let isGone = false;
  async function start(port: string): Promise<ServerProcess> {
    await rm(probe, { force: true });
    const server = await startServer(home, { env: { ...variables, PORT: port } });
    isGone = false;
    void server.exited.then(() => {
      isGone = true;
    });
    return server;
  }
  const server = await start('0');
  const b = await prepareHonest(server.url, await newTenant(home, 'B'));
  const a = await prepareNeighbour(home, server.url, await newTenant(home, 'A'));
  const world: World = {
    ...{ home, server, a, b, gauge: await openGauge(server.pid, probe) },
    async revive() {
      if (!isGone) return;
      world.server = await start(new URL(server.url).port);
      world.gauge = await openGauge(world.server.pid, probe);
    },
  };
  return world;
}

/** A server that has only B, and writes much to stderr, which nobody reads. */
export async function openUnread(t: TestContext): Promise<{ server: ServerProcess; b: Honest }> {
  const home = await newHome(t);
  const server = await startServer(home, { unread: true, env: { LOG_LEVEL: 'trace' } });
  return { server, b: await prepareHonest(server.url, await newTenant(home, 'B')) };
}

async function newTenant(home: string, name: string): Promise<string> {
  const { code, stdout, stderr } = await linekeeper(['tenants', 'create', name, '--json'], {
    LINEKEEPER_HOME: home,
  });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout).api_key;
}

/** The call must succeed. */
async function must(call: Promise<Reply>): Promise<Reply['body']> {
  const { status, text, body } = await call;
  assert.ok(status < 300, text);
  return body;
}

/** An organization that may buy from the sandbox. @returns the account there */
async function openShop(url: string, key: string, unique_id: string): Promise<string> {
  const post = (path: string, body: object) => must(callApi(url, 'POST', path, { key, body }));
  const patch = (path: string, body: object) => must(callApi(url, 'PATCH', path, { key, body }));
  await post('/v1/organizations', { name: 'Shop', unique_id });
  await patch(`/v1/organizations/${unique_id}`, { sms_active: true });
  const { carrier_account } = await post('/v1/carrier-accounts', { carrier: 'sandbox', name: 'Sandbox' });
  await patch('/v1/tenant', {
    purchases_enabled: true,
    max_numbers_per_organization: 1_000_000,
    carrier_account_id: carrier_account.id,
  });
  return carrier_account.id;
}

async function prepareHonest(url: string, key: string): Promise<Honest> {
  const organization = 'b_read';
  await openShop(url, key, organization);
  const changed = ['b_1', 'b_2', 'b_3', 'b_4'];
  for (const unique_id of changed)
    await must(callApi(url, 'POST', '/v1/organizations', { key, body: { name: 'B', unique_id } }));
  const each = 100;
  for (const [place, unique_id] of [organization, ...changed].entries())
    await must(importFile(url, unique_id, { key, body: csvOf(place * each, each) }));
  const numbers = Array.from({ length: changed.length * each }, (_, i) =>
    numberAt(each + (i % changed.length) * each + Math.floor(i / changed.length)),
  );
  return { url, key, organization, numbers };
}

async function prepareNeighbour(home: string, url: string, key: string): Promise<Neighbour> {
  const post = (path: string, body: object) => must(callApi(url, 'POST', path, { key, body }));
  const account = await openShop(url, key, organizations.shop);
  for (const unique_id of [organizations.large, organizations.log, organizations.growing])
    await post('/v1/organizations', { name: 'A', unique_id });
  const { api_key: readKey } = await post('/v1/keys', { name: 'read', permission: 'read' });
  const path = `/v1/organizations/${organizations.large}/users`;
  await post(path, { name: 'Ann', email: 'ann@example.com', unique_id: 'ann' });
  const { access_token } = await post(`${path}/ann/tokens`, { expires_in: 86_400 });

  const large = amountOf('largeNumbers');
  const columns = { header: ',nickname', row: (place: number) => `,Desk ${place}` };
  await must(importFile(url, organizations.large, { key, body: csvOf(0, large, columns) }));
  const many = amountOf('manyOrganizations');
  for (let made = 0; made < many; made += organizationsPerFile)
    await must(importCustomers(url, key, large + made, Math.min(organizationsPerFile, many - made)));
  await charge(home, organizations.large);
  await fillLog(url, key, numberAt(large + many));
  return { url, key, readKey, token: access_token, account, numbersFrom: large + many + 1 };
}

const organizationsPerFile = 10_000;

/** A file that makes an organization for each of its numbers. */
async function importCustomers(url: string, key: string, from: number, count: number): Promise<Reply> {
  const columns = { header: ',organization', row: (place: number) => `,Customer ${place}` };
  const body = Buffer.concat(await Array.fromAsync(csvOf(from, count, columns))).toString();
  const headers = { 'content-type': 'text/csv' };
  return callApi(url, 'POST', '/v1/sms/phone-numbers/import?create_organizations=true', {
    key,
    headers,
    body,
  });
}

/** A usage file that no buffer holds: three weeks of fees for each number. */
async function charge(home: string, organization: string): Promise<void> {
  await ask(
    home,
    `insert into charges (tenant_id, organization_id, id, type, amount, phone_number_id, phone_number, period_start, at)
     select n.tenant_id, n.organization_id, gen_random_uuid(), 'number.weekly_fee', 1, n.id, n.phone_number,
       now() - week * interval '7 days', now()
     from phone_numbers n join organizations o on o.id = n.organization_id, generate_series(1, 3) week
     where o.unique_id = $1 limit 100000`,
    [organization],
  );
}

/** Edits that make large events: 24 kB of metadata before, and 24 kB after. */
async function fillLog(url: string, key: string, phone_number: string): Promise<void> {
  const body = { organization_id: organizations.log, phone_numbers: [{ phone_number }] };
  await must(callApi(url, 'POST', '/v1/sms/phone-numbers', { key, body }));
  for (let serial = 0; serial < amountOf('largeEvents'); serial++) {
    const metadata = {
      note: `${serial}${'電'.repeat(2000)}`,
      more: '話'.repeat(2000),
      rest: '番'.repeat(2000),
    };
    await must(callApi(url, 'PATCH', `/v1/sms/phone-numbers/${phone_number}`, { key, body: { metadata } }));
  }
}

/** A uses the product as B does, after its load: what the load took must have been given back. */
export async function useAfterwards({ url, key, readKey }: Neighbour, place: number): Promise<void> {
  const phone_number = numberAt(place);
  const list = `/v1/sms/phone-numbers?organization_id=${organizations.log}`;
  const path = `/v1/sms/phone-numbers/${phone_number}`;
  const csv = { headers: { 'content-type': 'text/csv' }, body: `phone_number\n${phone_number}\n` };
  const calls: [method: string, path: string, options: Parameters<typeof callApi>[3]][] = [
    ['POST', `/v1/sms/phone-numbers/import?organization_id=${organizations.log}`, { key, ...csv }],
    ['PATCH', path, { key, body: { nickname: 'Afterwards' } }],
    ['GET', path, { key: readKey }],
    ['GET', list, { key: readKey }],
    ['GET', `/v1/sms/phone-numbers?organization_id=${organizations.large}`, { key: readKey }],
    ['GET', '/v1/usage?format=csv', { key: readKey }],
    ['GET', `/v1/events?organization_id=${organizations.log}&limit=10`, { key: readKey }],
    ['POST', '/v1/sms/phone-numbers/lookup', { key, body: { phone_numbers: [phone_number] } }],
  ];
  for (const [method, path, options] of calls)
    await must(patiently(() => callApi(url, method, path, options)));
}

const triesMax = 60;

/** Comes again when it is told to, as a client does that has been refused for its own load. */
async function patiently(call: () => Promise<Reply>): Promise<Reply> {
  for (let tries = 1; ; tries++) {
    const reply = await call();
    if (reply.status !== 429 || tries === triesMax) return reply;
    await new Promise(resolve => setTimeout(resolve, Number(reply.headers.get('retry-after')) * 1000));
  }
}

/** `linekeeper check` while the server runs. */
export async function assertWhole(home: string): Promise<void> {
  const { code, stdout } = await linekeeper(['check'], { LINEKEEPER_HOME: home });
  assert.equal(code, 0, stdout);
}
