import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { linekeeper } from '../cli/testing/command-line.ts';
import { uniqueNumber } from './testing/factories.ts';
import {
  ask,
  endPostmaster,
  exampleList,
  newHome,
  postmasterPid,
  type ServerProcess,
  startServer,
} from './testing/process.ts';
import { amountOf } from './testing/runs.ts';

const rounds = amountOf('crashes');
const clients = 6;
const organization = 'org_abc123';
const numbersPath = '/v1/sms/phone-numbers';

/** What is killed, in turn: the server, both at the same moment, the database first, or one of its backends first. */
const victims = ['server', 'backend first', 'both', 'server', 'database first'] as const;

/** Adds one number after the other until the server is gone, and has each of those that it acknowledges told. */
async function write(
  server: ServerProcess,
  sent: Set<string>,
  tell: (number: string) => void,
): Promise<void> {
  for (;;) {
    const phone_number = uniqueNumber();
    sent.add(phone_number);
    const body = { organization_id: organization, phone_numbers: [{ phone_number }] };
    const reply = await server.call('POST', numbersPath, body).catch(() => undefined);
    if (!reply) return;
    if (reply.status === 201) tell(phone_number);
    // The database may be gone before the server is.
    else assert.equal(reply.status, 503, JSON.stringify(reply.body));
  }
}

async function crash(server: ServerProcess, home: string, victim: (typeof victims)[number]): Promise<void> {
  if (victim === 'server') return server.kill();
  if (victim === 'backend first') {
    await killBackend(home);
    // PostgreSQL restarts by itself, and the server goes on.
    while ((await server.call('GET', exampleList)).status !== 200) await sleep(20);
    return server.kill();
  }
  const pid = (await postmasterPid(home))!;
  if (victim === 'database first') {
    await endPostmaster(home, pid, 'SIGKILL');
    await sleep(Math.random() * 100);
    await server.kill();
    return;
  }
  await Promise.all([server.kill(), endPostmaster(home, pid, 'SIGKILL')]);
}

/** Kills a backend that works, or else one that waits for work. */
async function killBackend(home: string): Promise<void> {
  const [backend] = await ask<{ pid: number }>(
    home,
    `select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()
     order by state = 'active' desc, state_change desc limit 1`,
  );
  process.kill(backend!.pid, 'SIGKILL');
}

/** The organization's log has no gap, says the same as its revision, and tells of each of its numbers once. */
async function assertLogIsWhole(home: string): Promise<void> {
  const [state] = await ask<Record<string, number>>(
    home,
    `select o.revision::int as revision,
       (select count(distinct revision)::int from events where organization_id = o.id) as revisions,
       (select max(revision)::int from events where organization_id = o.id) as last,
       (select count(*)::int from phone_numbers where organization_id = o.id) as numbers,
       (select count(distinct phone_number)::int from phone_numbers where organization_id = o.id) as distinct_numbers,
       (select count(*)::int from events, jsonb_array_elements(data->'numbers') n
        where organization_id = o.id and type = 'numbers.added') as told,
       (select count(*)::int from events, jsonb_array_elements(data->'numbers') n
        join phone_numbers p on p.id = (n->>'id')::uuid and p.phone_number = n->>'phone_number'
        where p.organization_id = o.id and events.organization_id = o.id and type = 'numbers.added') as told_and_there
     from organizations o where unique_id = $1`,
    [organization],
  );
  const { revision, revisions, last, numbers, distinct_numbers, told, told_and_there } = state!;
  assert.deepEqual({ revisions, last }, { revisions: revision, last: revision });
  assert.deepEqual(
    { distinct_numbers, told, told_and_there },
    { distinct_numbers: numbers, told: numbers, told_and_there: numbers },
  );
}

test(`killed ${rounds} times under a stream of writes, everything acknowledged is there`, async t => {
  const home = await newHome(t);
  const acknowledged = new Set(['+14155551234', '+14155555678']);
  const sent = new Set(acknowledged);
  let unanswered = 0;
  let server = await startServer(home);
  for (let round = 0; round < rounds; round++) {
    let left = 1 + Math.floor(Math.random() * 100);
    const enough = Promise.withResolvers<void>();
    const tell = (number: string) => {
      acknowledged.add(number);
      if (--left === 0) enough.resolve();
    };
    const writing = Promise.all(Array.from({ length: clients }, () => write(server, sent, tell)));
    await Promise.race([enough.promise, writing]);
    await crash(server, home, victims[round % victims.length]!);
    await writing;

    server = await startServer(home);
    const { status, body } = await server.call('GET', `${numbersPath}?organization_id=${organization}`);
    assert.equal(status, 200);
    const listed: string[] = body.phone_numbers.map(
      (number: { phone_number: string }) => number.phone_number,
    );
    const there = new Set(listed);
    assert.equal(there.size, listed.length, 'a number is there twice');
    assert.deepEqual(
      [...acknowledged].filter(number => !there.has(number)),
      [],
      'acknowledged and lost',
    );
    assert.deepEqual(
      listed.filter(number => !sent.has(number)),
      [],
      'there and never sent',
    );
    await assertLogIsWhole(home);
    // Committed, but the answer did not get out any more: there as well from now on.
    for (const number of listed) if (!acknowledged.has(number)) unanswered++;
    for (const number of listed) acknowledged.add(number);
  }
  const checked = await linekeeper(['check'], { LINEKEEPER_HOME: home });
  assert.equal(checked.code, 0, checked.stdout);
  assert.equal(await server.stop(), 0);
  assert.equal(await postmasterPid(home), undefined);
  t.diagnostic(
    `${acknowledged.size} numbers written and found, ${unanswered} of them committed but not answered`,
  );
});
