import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createDemo } from '../demo/demo.ts';
import { createTestDatabase } from '../testing/database.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../testing/factories.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { check } from './check.ts';

let server: TestServer;
let organization: string;
let number: string;
before(async () => {
  server = await startTestServer();
  const elsewhere = await newOrganization(server);
  organization = await newOrganization(server);
  const user = await newUser(server, organization);
  number = uniqueNumber();
  await newNumbers(server, organization, [
    { phone_number: number, user_id: user },
    { phone_number: uniqueNumber() },
  ]);
  const path = `/v1/sms/phone-numbers/${number}`;
  await server.call('PATCH', path, {
    body: { nickname: 'Desk', tags: ['a'], metadata: { a: [1, { b: null }] }, locked: true },
  });
  const moved = uniqueNumber();
  await newNumbers(server, organization, [{ phone_number: moved }]);
  const items = [
    { action: 'tag', phone_number: number, add: ['b'] },
    { action: 'transfer', phone_number: moved, to_organization_id: elsewhere },
  ];
  assert.equal((await server.call('POST', '/v1/sms/phone-numbers/bulk', { body: { items } })).body.done, 2);
  await server.call('POST', `/v1/sms/phone-numbers/import?organization_id=${organization}`, {
    body: `phone_number,user\n${uniqueNumber()},${user}\n${uniqueNumber()},\n`,
    headers: { 'content-type': 'text/csv' },
  });
  const gone = uniqueNumber();
  await newNumbers(server, organization, [{ phone_number: gone }]);
  await server.call('DELETE', `/v1/sms/phone-numbers/${gone}`);
});
after(() => server.stop());

const findings = async () => (await check(server.database)).findings;
const query = (text: string) => server.database.pool.query(text);

/** Damages the database and repairs it again. @returns the problems found in between */
async function harm(damage: string, repair: string): Promise<string[]> {
  await query(damage);
  const found = await findings();
  await query(repair);
  assert.deepEqual(await findings(), []);
  assert.deepEqual([...new Set(found.map(one => one.organization))], [organization]);
  return found.map(one => one.problem);
}

test('a database that only the product has written has no contradictions', async () => {
  const report = await check(server.database);
  assert.deepEqual(report.findings, []);
  assert.ok(report.organizations === 2 && report.events > 10 && report.numbers > 5, JSON.stringify(report));
});

test('the demonstration has no contradictions', async () => {
  const database = await createTestDatabase();
  await createDemo(database.db, async () => {});
  const report = await check(database);
  await database.drop();
  assert.deepEqual(report.findings, []);
  assert.ok(report.events > 0, JSON.stringify(report));
});

const mine = () => `(select id from organizations where unique_id = '${organization}')`;

test('a missing event is found', async () => {
  await query(
    `create table kept as select * from events where organization_id = ${mine()} and revision in (2, 4)`,
  );
  for (const revision of [2, 4]) {
    const problems = await harm(
      `delete from events where organization_id = ${mine()} and revision = ${revision}`,
      `insert into events select * from kept where revision = ${revision}`,
    );
    assert.ok(
      problems.includes(`the log goes from ${revision - 1}.0 to ${revision + 1}.0`),
      problems.join('\n'),
    );
  }
});

test('a missing last event, or a revision that was never made, is found', async () => {
  const raise = (by: number) => `update organizations set revision = revision + ${by} where id = ${mine()}`;
  const problems = await harm(raise(1), raise(-1));
  assert.match(problems.join('\n'), /^the organization is at revision (\d+), its log at \d+$/);
});

test('a field that was changed by hand is found', async () => {
  const set = (text: string) => `update phone_numbers set ${text} where phone_number = '${number}'`;
  for (const [wrong, right, said] of [
    [`nickname = 'Other'`, `nickname = 'Desk'`, 'nickname is "Other" in the tables and "Desk" in the log'],
    [`tags = '{b,a}'`, `tags = '{a,b}'`, 'tags is ["b","a"] in the tables and ["a","b"] in the log'],
    ['locked = false', 'locked = true', 'locked is false in the tables and true in the log'],
    [
      `metadata = '{}'`,
      `metadata = '{"a": [1, {"b": null}]}'`,
      'metadata is {} in the tables and {"a":[1,{"b":null}]} in the log',
    ],
    [
      `status = 'available', available_since = now()`,
      `status = 'assigned', available_since = null`,
      'status is "available" in the tables and "assigned" in the log',
    ],
  ] as const) {
    const problems = await harm(set(wrong), set(right));
    assert.ok(problems.includes(`number ${number}: ${said}`), problems.join('\n'));
  }
});

test('an assignment that was ended by hand is found', async () => {
  const its = `phone_number_id = (select id from phone_numbers where phone_number = '${number}')`;
  const problems = await harm(
    `update assignments set ended_at = now(), to_revision = 9 where ${its}`,
    `update assignments set ended_at = null, to_revision = null where ${its}`,
  );
  assert.ok(problems.includes(`${number} has 0 open assignments and is assigned`), problems.join('\n'));
  assert.ok(problems.some(problem => problem.startsWith(`number ${number}: user_id is null in the tables`)));
});

test('counts that were changed by hand, or were not kept, are found', async () => {
  const kept = (table: string, by: number) =>
    `update ${table} set count = count + ${by} where organization_id = ${mine()} and count > 0`;
  const numbers = await harm(kept('number_counts', 7), kept('number_counts', -7));
  assert.match(
    numbers.join('\n'),
    /^the summary counts \d+ (assigned|available) numbers with the area code \d{3} instead of \d+$/m,
  );
  const held = await harm(kept('holder_counts', -1), kept('holder_counts', 1));
  assert.match(held.join('\n'), /^the summary counts 1 numbers of user_\w+ instead of 2$/);
  await query(`create table uncounted as select * from number_counts where organization_id = ${mine()}`);
  const missing = await harm(
    `delete from number_counts where organization_id = ${mine()}`,
    'insert into number_counts select * from uncounted',
  );
  assert.match(missing[0]!, /^the summary counts 0 /);
});

test('an assignment that the log says ended, and that is open, is found', async () => {
  const its = `phone_number_id = (select id from phone_numbers where phone_number = '${number}')`;
  const from = (by: number) => `update assignments set from_revision = from_revision + ${by} where ${its}`;
  const problems = await harm(from(-1), from(1));
  assert.deepEqual(problems, [`number ${number}: assigned_in is 2 in the tables and 3 in the log`]);
});

test('a number that is in the log but not in the tables is found', async () => {
  await query(
    `create table moved as select * from phone_numbers where organization_id = ${mine()} and status = 'available' limit 1`,
  );
  const [{ phone_number }] = (await query('select phone_number from moved')).rows;
  const versions = 'number_versions where phone_number_id = (select id from moved)';
  await query(`create table versions as select * from ${versions}`);
  const problems = await harm(
    `delete from ${versions}; delete from phone_numbers where id = (select id from moved)`,
    `insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, country, status, available_since, since_revision)
       select tenant_id, organization_id, id, phone_number, pretty_phone_number, country, status, available_since, since_revision from moved;
     insert into number_versions select * from versions`,
  );
  assert.deepEqual(problems, [`number ${phone_number} is in the log and not in the tables`]);
});

test('a user or an organization that was changed by hand is found', async () => {
  const user = (name: string) => `update users set name = '${name}' where organization_id = ${mine()}`;
  assert.match(
    (await harm(user('Other'), user('Ann Example'))).join('\n'),
    /^user user_\w+: name is "Other" in the tables/,
  );
  const status = (to: string) => `update organizations set status = '${to}' where id = ${mine()}`;
  assert.match(
    (await harm(status('suspended'), status('active'))).join('\n'),
    /^organization: status is "suspended"/,
  );
});

test('a batch that has lost its items is found', async () => {
  const its = `batch_items where organization_id = ${mine()}`;
  await query(`create table pieces as select * from ${its}`);
  const problems = await harm(`delete from ${its}`, 'insert into batch_items select * from pieces');
  assert.ok(
    problems.some(problem => problem.endsWith('numbers.imported: its batch has 0 items instead of 2')),
    problems.join('\n'),
  );
  assert.ok(
    problems.some(problem => problem.endsWith('numbers.changed: its batch has 0 items instead of 2')),
    problems.join('\n'),
  );
});

test('weeks that were charged twice or after the release are found', async () => {
  const weekFrom = (begin: string, where: string) =>
    `insert into charges (tenant_id, organization_id, id, type, phone_number_id, phone_number, amount, period_start, at)
     select tenant_id, organization_id, gen_random_uuid(), 'number.weekly_fee', id, phone_number, 1, ${begin}, now()
     from phone_numbers where organization_id = ${mine()} and ${where};`;
  const its = `phone_number = '${number}'`;
  const weeks = ['2024-01-01T00:00:00Z', '2024-01-08T00:00:00Z', '2024-01-14T23:59:59Z'];
  const charging = weeks.map(begin => weekFrom(`'${begin}'`, its)).join('');
  assert.deepEqual(await harm(charging, 'delete from charges'), [
    `${number} was charged for overlapping weeks, from ${weeks[1]} and from ${weeks[2]}`,
  ]);
  const after = weekFrom(`released_at + interval '1 second'`, 'released_at is not null');
  assert.match(
    (await harm(after, 'delete from charges')).join(),
    /^\+\d+ was charged for a week from \d{4}-\d\d-\d\dT[\d:]{8}Z, after its release$/,
  );
});

test('the check can run while the database is in use', async () => {
  const user = await newUser(server, organization);
  const changing = Array.from({ length: 20 }, async () => {
    const { phone_number } = (await newNumbers(server, organization))[0]!;
    await server.call('POST', `/v1/sms/phone-numbers/${phone_number}/assign`, { body: { user_id: user } });
    await server.call('DELETE', `/v1/sms/phone-numbers/${phone_number}`);
  });
  for (let i = 0; i < 5; i++) assert.deepEqual(await findings(), []);
  await Promise.all(changing);
  assert.deepEqual(await findings(), []);
});
