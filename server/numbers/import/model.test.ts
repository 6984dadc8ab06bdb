import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Caller } from '../../access/caller.ts';
import { check } from '../../check/check.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { fuzzing } from '../../testing/runs.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';
import { addNumbers } from '../life/arrivals.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

type Row = { number: number | null; nickname: string; user: number; blankBefore: boolean };
type Rejected = [line: number, code: string, error: string];
type Kept = Record<'phone_number' | 'nickname' | 'user_id', string | null>;

const row: fc.Arbitrary<Row> = fc.record({
  number: fc.option(fc.nat(7), { freq: 8 }),
  nickname: fc.constantFrom('', '', 'Desk', 'back\\slash', 'two\nlines\tand a tab', '"quoted", ü', '\\N'),
  user: fc.nat(9),
  blankBefore: fc.boolean(),
});

/** The result that an import of these rows must have, computed row by row. @param firstLine the lines before them */
function predict(
  rows: Row[],
  numbers: string[],
  users: Map<string, string>,
  names: string[],
  taken: Map<string, string>,
  firstLine: number,
) {
  const rejected: Rejected[] = [];
  const kept: Kept[] = [];
  const lines = new Map<string, number>();
  let line = firstLine;
  for (const { number, nickname, user, blankBefore } of rows) {
    line += 1 + (blankBefore ? 1 : 0) + nickname.split('\n').length - 1;
    const phone_number = number === null ? null : numbers[number]!;
    const reference = names[user] ?? '';
    if (phone_number === null) rejected.push([line, 'invalid', 'phone_number is not a phone number']);
    else if (reference !== '' && !users.has(reference))
      rejected.push([line, 'unknown_user', `no active user ${reference} in this organization`]);
    else if (taken.has(phone_number))
      rejected.push([line, 'already_exists', `the number is already in ${taken.get(phone_number)}`]);
    else if (lines.has(phone_number))
      rejected.push([line, 'duplicate_in_file', `the number is already in line ${lines.get(phone_number)}`]);
    else {
      lines.set(phone_number, line);
      kept.push({ phone_number, nickname: nickname || null, user_id: users.get(reference) ?? null });
    }
  }
  return { rejected, kept: kept.sort((a, b) => (a.phone_number! < b.phone_number! ? -1 : 1)) };
}

test('rows of any file are classified as a sequential model classifies them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 25 }),
      fc.boolean(),
      fc.boolean(),
      async (rows, strict, isCsv) => {
        const [organization, other] = [await newOrganization(server), await newOrganization(server)];
        const path = `/v1/organizations/${organization}/users`;
        const [ann, idle, stranger] = [
          await newUser(server, organization),
          await newUser(server, organization),
          await newUser(server, other),
        ];
        const { email } = (await server.call('GET', `${path}/${ann}`)).body.user;
        await server.call('PATCH', `${path}/${idle}`, { body: { status: 'inactive' } });
        const users = new Map([
          [ann, ann],
          [email.toUpperCase(), ann],
          [email, ann],
        ]);
        const names = [ann, email.toUpperCase(), email, idle, stranger, 'nobody'];
        const numbers = Array.from({ length: 8 }, uniqueNumber);
        const taken = new Map([
          [numbers[0]!, organization],
          [numbers[1]!, other],
        ]);
        for (const [phone_number, where] of taken) await newNumbers(server, where, [{ phone_number }]);

        const { rejected, kept } = predict(rows, numbers, users, names, taken, isCsv ? 1 : 0);
        const body = isCsv
          ? `phone_number,nickname,user\n${rows.map(one => csvRow(one, numbers, names)).join('')}`
          : rows.map(one => jsonRow(one, numbers, names)).join('');
        const query = `organization_id=${organization}&all_or_nothing=${strict}`;
        const headers = { 'content-type': isCsv ? 'text/csv' : 'application/x-ndjson' };
        const reply = await server.call('POST', `/v1/sms/phone-numbers/import?${query}`, { body, headers });
        const isRefused = strict && rejected.length > 0;
        assert.equal(reply.status, isRefused ? 422 : 200, reply.text);
        assert.deepEqual(
          reply.body.rejections.map((one: Record<string, unknown>) => [one.line, one.code, one.error]),
          rejected,
        );
        const { rows: count, imported } = reply.body;
        assert.deepEqual([count, imported], [rows.length, isRefused ? 0 : kept.length]);
        const list = await server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`);
        const found: Kept[] = list.body.phone_numbers
          .filter((one: { phone_number: string }) => one.phone_number !== numbers[0])
          .map((one: Record<string, string | null> & { assigned_to: { user_id: string } | null }) => ({
            phone_number: one.phone_number,
            nickname: one.nickname,
            user_id: one.assigned_to?.user_id ?? null,
          }));
        assert.deepEqual(found, isRefused ? [] : kept);
      },
    ),
    fuzzing('files'),
  );
  assert.deepEqual((await check(server.database)).findings, []);
});

function csvRow({ number, nickname, user, blankBefore }: Row, numbers: string[], names: string[]): string {
  const quoted = `"${nickname.replaceAll('"', '""')}"`;
  return `${blankBefore ? '\n' : ''}${number === null ? 'none' : numbers[number]},${quoted},${names[user] ?? ''}\n`;
}

/** JSON escapes line breaks. A value with one takes two lines in CSV, so here a blank line follows it. */
function jsonRow({ number, nickname, user, blankBefore }: Row, numbers: string[], names: string[]): string {
  const blanks = (blankBefore ? 1 : 0) + nickname.split('\n').length - 1;
  const phone_number = number === null ? 'none' : numbers[number];
  return `${'\n'.repeat(blanks)}${JSON.stringify({ phone_number, nickname, user: names[user] ?? null })}\n`;
}

test('numbers that another change takes between classification and insertion leave no gap in the batch', async () => {
  const [organization, other] = [await newOrganization(server), await newOrganization(server)];
  const user = await newUser(server, organization);
  const numbers = Array.from({ length: 3500 }, uniqueNumber);
  const lost = numbers.filter((_, index) => index % 7 === 3);
  const { db, pool } = server.database;
  const { tenant_id } = await db
    .selectFrom('organizations')
    .select('tenant_id')
    .where('unique_id', '=', other)
    .executeTakeFirstOrThrow();
  const caller: Caller = {
    ...{ tenantId: tenant_id, organizationId: null, permission: 'admin' },
    ...{ actor: { type: 'system', id: 'test' }, requestId: null },
  };
  const waiting = `select 1 from pg_locks l join pg_stat_activity a using (pid)
    where not l.granted and a.datname = current_database()`;
  const importing = await db.transaction().execute(async tx => {
    const phone_numbers = lost.map(phone_number => ({ phone_number }));
    await addNumbers(tx, caller, { organization_id: other, phone_numbers, default_country: 'US' });
    const answer = server.call('POST', `/v1/sms/phone-numbers/import?organization_id=${organization}`, {
      body: `phone_number,user\n${numbers.map(number => `${number},${user}\n`).join('')}`,
      headers: { 'content-type': 'text/csv' },
    });
    while ((await pool.query(waiting)).rowCount === 0);
    return { answer };
  });
  const { status, body, text } = await importing.answer;
  assert.equal(status, 200, text);
  assert.deepEqual([body.imported, body.rejected], [numbers.length - lost.length, lost.length]);
  assert.deepEqual(
    body.rejections.map((one: Record<string, unknown>) => [one.line, one.phone_number, one.error]),
    lost.map((number, index) => [index * 7 + 5, number, `the number is already in ${other}`]),
  );
  const { rows: pieces } = await pool.query(
    'select piece, jsonb_array_length(items) as length from batch_items where batch_id = $1 order by piece',
    [body.batch_id],
  );
  assert.deepEqual(pieces, [
    { piece: 0, length: 1000 },
    { piece: 1, length: 1000 },
    { piece: 2, length: 1000 },
  ]);
  assert.deepEqual((await check(server.database)).findings, []);
});
