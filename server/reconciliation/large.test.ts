import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { credentials, startTwilio } from '../../carriers/twilio/fake.ts';
import { newOrganization } from '../testing/factories.ts';
import { amountOf } from '../testing/runs.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { newAccount, type RunBody, reconcile } from './testing.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const count = amountOf('adopted');
const megabytesMax = 40;
const numberAt = (index: number) =>
  `+1${201 + Math.floor(index / 10_000)}555${String(index % 10_000).padStart(4, '0')}`;

test('a great many numbers are adopted over a wire that limits rates and fails', async t => {
  const twilio = await startTwilio(t);
  const wire = await startBadWire(t, twilio.urls.api);
  const server = await startTestServer(undefined, { urls: { twilio: { api: wire.url } } });
  t.after(() => server.stop());
  if (await isOlder(server)) return t.skip('it takes a while, and the other tests show what differs');
  const [acme, other] = [await newOrganization(server), await newOrganization(server)];
  const account = await newAccount(server, { carrier: 'twilio', credentials: credentials.token });
  await twilio.world.own(
    Array.from({ length: count }, (_, index) => ({
      phone_number: numberAt(index),
      name: `${['Acme', 'Other', 'Nobody'][index % 10 === 9 ? 2 : index % 2]}: ${index}`,
    })),
  );
  const body = {
    rules: [
      { organization_id: acme, name_starts_with: 'Acme: ' },
      { organization_id: other, name_starts_with: 'Other: ' },
    ],
    map: Array.from({ length: 10_000 }, (_, index) => ({
      phone_number: numberAt(index),
      organization_id: other,
    })),
    dry_run: false,
  };
  const begun = Date.now();
  const { run, megabytes } = await measured(server, account, body);
  const seconds = ((Date.now() - begun) / 1000).toFixed(1);
  t.diagnostic(`${seconds} s, ${wire.counts.asked} requests of which ${wire.counts.failed} failed`);
  t.diagnostic(`the heap grew by ${megabytes.toFixed(1)} MB at most`);

  const left = count / 10 - 1000;
  const { status, counts } = run;
  assert.deepEqual(
    [status, counts.pages, counts.listed, counts.adopted, counts.unmatched],
    ['done', count / 1000, count, count - left, left],
  );
  assert.deepEqual(await tally(server, acme), {
    numbers: count - left,
    ids: count - left,
    of_acme: count / 2 - 5000,
  });
  assert.ok(wire.counts.failed > wire.counts.asked / 20);
  assert.ok(megabytes < megabytesMax, `${megabytes} MB`);

  const again = await reconcile(server, account, 'adopt', body);
  assert.deepEqual(
    [again.status, again.counts.already_here, again.counts.adopted],
    ['done', count - left, 0],
  );
  assert.deepEqual(await tally(server, acme), {
    numbers: count - left,
    ids: count - left,
    of_acme: count / 2 - 5000,
  });
});

/** Follows the run, and checks the numbers in use whenever it has progressed. */
async function measured(
  server: TestServer,
  account: string,
  body: object,
): Promise<{ run: RunBody; megabytes: number }> {
  const used = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed / 1e6;
  };
  const before = used();
  const reply = await server.call('POST', `/v1/carrier-accounts/${account}/adopt`, { body });
  assert.equal(reply.status, 202, reply.text);
  for (let most = 0; ; await sleep(300)) {
    most = Math.max(most, used());
    const { run } = (await server.call('GET', `/v1/carrier-runs/${reply.body.run.id}`)).body;
    if (run.finished_at !== null) return { run, megabytes: most - before };
  }
}

async function tally({ database }: TestServer, acme: string) {
  const { rows } = await database.pool.query(
    `
    select count(distinct phone_number)::int as numbers, count(distinct carrier_number_id)::int as ids,
      (count(*) filter (where o.unique_id = $1))::int as of_acme
    from phone_numbers n join organizations o on o.id = n.organization_id where released_at is null`,
    [acme],
  );
  return rows[0];
}

/** Whether the database is not the embedded PostgreSQL. */
async function isOlder({ database }: TestServer): Promise<boolean> {
  const { rows } = await database.pool.query('show server_version_num');
  return Number(rows[0].server_version_num) < 180_000;
}

/**
 * Connects to the fake carrier. Rate-limits every seventh request. Fails every twentieth page five times, which is more
 * often than the client retries.
 */
async function startBadWire(t: TestContext, url: string) {
  const counts = { asked: 0, failed: 0 };
  const pages = new Map<string, { place: number; asked: number }>();
  const server = createServer((asked, response) => {
    counts.asked++;
    const page = pages.get(asked.url!) ?? { place: pages.size + 1, asked: 0 };
    pages.set(asked.url!, { ...page, asked: page.asked + 1 });
    const broken = page.place % 20 === 0 && page.asked < 5;
    if (broken || counts.asked % 7 === 0) counts.failed++;
    if (broken) {
      response.writeHead(500).end('broken');
      return;
    }
    if (counts.asked % 7 === 0) {
      response.writeHead(429, { 'retry-after': '0' }).end();
      return;
    }
    const onwards = request(new URL(asked.url!, url), { method: asked.method, headers: asked.headers });
    onwards.on('response', answer => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    asked.pipe(onwards);
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, counts };
}
