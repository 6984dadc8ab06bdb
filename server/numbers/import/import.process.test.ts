import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, exampleList, newHome, type ServerProcess, startServer } from '../../testing/process.ts';
import { importFile } from '../../testing/request.ts';
import { amountOf } from '../../testing/runs.ts';

const megabyte = 1_048_576;
const growthMax = 200 * megabyte;

/** The codes that the North American plan allows: the first digit is not 0 or 1, the last two are not 11. */
const codes = Array.from({ length: 800 }, (_, place) => String(200 + place)).filter(
  code => !code.endsWith('11'),
);

/** The rows of a CSV file, generated as they are sent. Files with different `exchange` have different numbers. */
async function* csv(rows: number, exchange = 0): AsyncGenerator<Uint8Array> {
  let text = 'phone_number,nickname,user\n';
  for (let row = 0; row < rows; row++) {
    const line = Math.floor(row / codes.length);
    const number = `(${codes[row % codes.length]}) ${codes[exchange + Math.floor(line / 10_000)]}-${String(line % 10_000).padStart(4, '0')}`;
    text += `${number},Line ${row},${row % 10 === 0 ? 'ann@example.com' : ''}\n`;
    if (text.length > 65_536) {
      yield Buffer.from(text);
      text = '';
    }
  }
  yield Buffer.from(text);
}

const send = ({ url, key }: ServerProcess, organization: string, body: AsyncGenerator<Uint8Array>) =>
  importFile(url, organization, { key, body, headers: { 'idempotency-key': organization } });

/** A new organization, and the user that every tenth row names. */
async function newOrganization(server: ServerProcess): Promise<string> {
  const { body } = await server.call('POST', '/v1/organizations', { name: 'Acme' });
  const id: string = body.organization.unique_id;
  const user = { name: 'Ann Example', email: 'ann@example.com' };
  assert.equal((await server.call('POST', `/v1/organizations/${id}/users`, user)).status, 201);
  return id;
}

type Inventory = Record<'numbers' | 'assignments' | 'events' | 'items' | 'answers', number>;

/** Counts an organization's numbers, open assignments, import events, batch items and stored replies. */
async function inventory(home: string, organization: string): Promise<Inventory> {
  const [row] = await ask<Inventory>(
    home,
    `select (select count(*)::int from phone_numbers where organization_id = o.id) as numbers,
       (select count(*)::int from assignments where organization_id = o.id) as assignments,
       (select count(*)::int from events where organization_id = o.id and type = 'numbers.imported') as events,
       (select coalesce(sum(jsonb_array_length(b.items)), 0)::int from events e
          join batch_items b on b.tenant_id = e.tenant_id and b.batch_id = (e.data->>'batch_id')::uuid
        where e.organization_id = o.id and e.type = 'numbers.imported') as items,
       (select count(*)::int from idempotency_keys where key = o.unique_id) as answers
     from organizations o where unique_id = $1`,
    [organization],
  );
  return row!;
}

const all = (rows: number) => ({
  ...{ numbers: rows, assignments: Math.ceil(rows / 10) },
  ...{ events: 1, items: rows, answers: 1 },
});
const nothing = { numbers: 0, assignments: 0, events: 0, items: 0, answers: 0 };

/** The resident memory of a process in bytes, now or at its peak. Undefined without /proc. */
async function memory(pid: number, which: 'VmRSS' | 'VmHWM'): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

/** Sends one request after the other until stopped. @returns the duration of the slowest, in milliseconds */
async function askMeanwhile(server: ServerProcess, until: AbortSignal): Promise<number> {
  let slowest = 0;
  while (!until.aborted) {
    const from = performance.now();
    assert.equal((await server.call('GET', exampleList)).status, 200);
    slowest = Math.max(slowest, performance.now() - from);
    await sleep(100);
  }
  return slowest;
}

function assertBounded(t: TestContext, idle: number | undefined, peak: number | undefined): void {
  if (idle === undefined || peak === undefined) {
    t.diagnostic('memory was not measured: that needs /proc, which only Linux has');
    return;
  }
  const inMegabytes = (bytes: number) => Math.round(bytes / megabyte);
  t.diagnostic(`memory: ${inMegabytes(idle)} MB idle, ${inMegabytes(peak)} MB at its peak`);
  assert.ok(peak - idle <= growthMax, `it grew by ${inMegabytes(peak - idle)} MB`);
}

test('a great many rows are imported in bounded memory, and other requests are served meanwhile', async t => {
  const rows = amountOf('rows');
  const home = await newHome(t);
  const server = await startServer(home);
  const small = await newOrganization(server);
  assert.equal((await send(server, small, csv(100, 500))).body.imported, 100);
  await server.call('GET', exampleList);
  const organization = await newOrganization(server);
  const idle = await memory(server.pid, 'VmRSS');

  const finished = new AbortController();
  const others = askMeanwhile(server, finished.signal);
  others.catch(() => {}); // reported below, once the import is over
  const from = performance.now();
  const reply = await send(server, organization, csv(rows)).finally(() => finished.abort());
  const seconds = (performance.now() - from) / 1000;
  const slowest = await others;
  const peak = await memory(server.pid, 'VmHWM');

  assert.equal(reply.status, 200);
  const { imported, rejected, rejections } = reply.body;
  assert.deepEqual({ imported, rejected, rejections }, { imported: rows, rejected: 0, rejections: [] });
  assert.deepEqual(await inventory(home, organization), all(rows));
  t.diagnostic(
    `${rows} rows in ${seconds.toFixed(1)} s; the slowest other request took ${Math.round(slowest)} ms`,
  );
  assertBounded(t, idle, peak);
});

test('an import that is killed at any point has imported all or nothing', async t => {
  const rows = amountOf('rowsOfKilled');
  const kills = amountOf('importKills');
  const home = await newHome(t);
  let server = await startServer(home);
  const whole = await newOrganization(server);
  const from = performance.now();
  assert.equal((await send(server, whole, csv(rows))).body.imported, rows);
  const duration = performance.now() - from;
  assert.deepEqual(await inventory(home, whole), all(rows));

  const outcomes: string[] = [];
  for (let kill = 1; kill <= kills; kill++) {
    const organization = await newOrganization(server);
    const answer = send(server, organization, csv(rows, kill)).catch(() => undefined);
    // Spread over the whole import and a little more: the last kill comes right after the reply.
    const moment = (duration * 1.2 * (kill - Math.random())) / (kills - 1);
    await Promise.race([answer, ...(kill < kills ? [sleep(moment)] : [])]);
    await server.kill();
    const answered = (await answer)?.status === 200;
    server = await startServer(home);
    const found = await inventory(home, organization);
    assert.deepEqual(found, answered || found.numbers > 0 ? all(rows) : nothing);
    outcomes.push(found.numbers > 0 ? 'all' : 'nothing');
  }
  t.diagnostic(`${rows} rows take ${Math.round(duration)} ms; killed ${kills} times: ${outcomes.join(', ')}`);
  assert.equal(await server.stop(), 0);
});
