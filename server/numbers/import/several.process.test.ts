import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, newHome, type ServerProcess, startServer } from '../../testing/process.ts';
import { request } from '../../testing/request.ts';
import { amountOf } from '../../testing/runs.ts';

const organizations = 25;

/** Rows of many organizations, with a user in every tenth. Files with different `area` have different numbers. */
function csv(rows: number, area: number): string {
  let text = 'Customer,Number,Email\n';
  for (let row = 0; row < rows; row++) {
    const number = `+1${area}${200 + Math.floor(row / 10_000)}${String(row % 10_000).padStart(4, '0')}`;
    text += `Shop ${area}-${row % organizations},${number},${row % 10 === 0 ? `u${row % 7}@x.example` : ''}\n`;
  }
  return text;
}

const send = ({ url, key }: ServerProcess, body: string, area: number, update = false) =>
  request(url, `/v1/sms/phone-numbers/import?create_organizations=true&create_users=true&update=${update}`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'text/csv', 'idempotency-key': `${area}-${update}` },
    body,
  });

type Found = Record<'organizations' | 'users' | 'numbers' | 'assignments' | 'events' | 'answers', number>;

async function find(home: string, area: number): Promise<Found> {
  const [found] = await ask<Found>(
    home,
    `with mine as (select * from organizations where name like $1)
     select (select count(*)::int from mine) as organizations,
       (select count(*)::int from users where organization_id in (select id from mine)) as users,
       (select count(*)::int from phone_numbers where organization_id in (select id from mine)) as numbers,
       (select count(*)::int from assignments where organization_id in (select id from mine)) as assignments,
       (select count(*)::int from events where type = 'numbers.imported' and organization_id in (select id from mine)) as events,
       (select count(*)::int from idempotency_keys where key = $2) as answers`,
    [`Shop ${area}-%`, `${area}-false`],
  );
  return found!;
}

test('an import into many organizations that is killed at any point has done all or nothing', async t => {
  const rows = amountOf('rowsOfKilled');
  const kills = amountOf('importKills');
  const home = await newHome(t);
  let server = await startServer(home);
  const from = performance.now();
  const whole = JSON.parse((await send(server, csv(rows, 201), 201)).text);
  const duration = performance.now() - from;
  assert.deepEqual([whole.imported, whole.organizations.length], [rows, organizations]);
  const all = await find(home, 201);
  assert.deepEqual(
    { ...all, users: 0 },
    { organizations, users: 0, numbers: rows, assignments: rows / 10, events: organizations, answers: 1 },
  );
  const nothing = Object.fromEntries(Object.keys(all).map(name => [name, 0]));
  const outcomes: string[] = [];
  for (let kill = 1; kill <= kills; kill++) {
    const area = 212 + kill;
    const answer = send(server, csv(rows, area), area).catch(() => undefined);
    // Spread over the whole import and a little more: the last kill comes right after the reply.
    const moment = (duration * 1.2 * (kill - Math.random())) / (kills - 1);
    await Promise.race([answer, ...(kill < kills ? [sleep(moment)] : [])]);
    await server.kill();
    const answered = (await answer)?.status === 200;
    server = await startServer(home);
    const found = await find(home, area);
    assert.deepEqual(found, answered || found.numbers > 0 ? all : nothing);
    outcomes.push(found.numbers > 0 ? 'all' : 'nothing');
  }
  t.diagnostic(`${rows} rows take ${Math.round(duration)} ms; killed ${kills} times: ${outcomes.join(', ')}`);
  // The same file again changes nothing, and with other users it changes each number once.
  const same = JSON.parse((await send(server, csv(rows, 201), 201, true)).text);
  assert.deepEqual([same.imported, same.updated, same.unchanged, same.rejected], [0, 0, rows, 0]);
  assert.equal(await server.stop(), 0);
});
