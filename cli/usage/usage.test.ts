import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newBook } from '../../server/charges/testing.ts';
import { uniqueNumber } from '../../server/testing/factories.ts';
import { CommandLine, linekeeper } from '../testing/command-line.ts';

let book: Awaited<ReturnType<typeof newBook>>;
const number = uniqueNumber();
const bought = Date.parse('2024-01-15T10:30:00Z');
const cli = new CommandLine(async server => {
  const { db } = server.database;
  book = await newBook(db);
  cli.env.LINEKEEPER_API_KEY = book.key;
  await book.bring(bought, book.north, [number]);
  // The weekly job goes by the real clock and would charge for these numbers too.
  await db.updateTable('phone_numbers').set({ next_fee_at: null }).execute();
  await book.charge(bought, book.north, number, 'number.purchase_fee', 1);
  await book.charge(bought, book.north, number, 'number.weekly_fee', 0.25);
});

const january = ['usage', '--from', '2024-01-01', '--to', '2024-02-01'];

test('charges are one table, and their sums another', async () => {
  const { code, stdout, stderr } = await linekeeper([...january, '--organization', book.north], cli.env);
  const period = 'from 2024-01-01T00:00:00Z to 2024-02-01T00:00:00Z';
  assert.deepEqual({ code, stderr }, { code: 0, stderr: `2 charges, 1.2500 USD, ${period}\n` });
  const [charges, totals] = stdout.split('\n\n').map(part => part.trim().split('\n'));
  assert.match(charges![0]!, /^AT +TYPE +NUMBER +ORGANIZATION +AMOUNT +FROM +UNTIL$/);
  const moment = '2024-01-15T10:30:00Z';
  const line = (type: string, amount: string, until: string) =>
    [moment, type, number, book.north, amount, moment, until].join(' ');
  assert.deepEqual(
    charges!
      .slice(1)
      .map(text => text.replaceAll(/ +/g, ' '))
      .sort(),
    [line('number.purchase_fee', '1.0000', '-'), line('number.weekly_fee', '0.2500', '2024-01-22T10:30:00Z')],
  );
  assert.deepEqual(
    totals!.map(text => text.replaceAll(/ +/g, ' ')),
    [
      'TOTAL CHARGES AMOUNT',
      'number.purchase_fee 1 1.0000',
      'number.weekly_fee 1 0.2500',
      `${book.north} 2 1.2500`,
    ],
  );
});

test('--json and --csv print the body of the server', async () => {
  const path = '/v1/usage?from=2024-01-01&to=2024-02-01';
  const reply = await cli.server.call('GET', path, { key: book.key });
  const json = await linekeeper([...january, '--json'], cli.env);
  assert.deepEqual([json.stdout, json.stderr], [`${reply.text}\n`, '']);
  const csv = await linekeeper([...january, '--csv'], cli.env);
  assert.equal(csv.stdout, (await cli.server.call('GET', `${path}&format=csv`, { key: book.key })).text);
  const both = await linekeeper([...january, '--csv', '--json'], cli.env);
  assert.equal(both.code, 2);
});

test('several pages are one document and one table', async () => {
  await cli.server.database.pool.query(
    `insert into charges (tenant_id, organization_id, id, type, phone_number_id, phone_number, amount, period_start, at)
    select tenant_id, organization_id, gen_random_uuid(), 'number.weekly_fee', id, phone_number, 0.5,
      timestamptz '2025-01-01' + n * interval '168 hours', '2025-01-01'
    from phone_numbers, generate_series(1, 5001) as n where phone_number = $1`,
    [number],
  );
  const year = ['usage', '--from', '2025-01-01', '--to', '2026-01-01'];
  const document = JSON.parse((await linekeeper([...year, '--json'], cli.env)).stdout);
  const ids = new Set(document.charges.map(({ id }: { id: string }) => id));
  assert.deepEqual(
    [ids.size, document.count, document.has_more, document.totals.amount],
    [5001, 5001, false, 2500.5],
  );
  const people = await linekeeper(year, cli.env);
  assert.equal(people.stdout.split('\n\n')[0]!.split('\n').length, 5002);
});

test('--excel is CSV that begins with a byte order mark', async () => {
  const { code, stdout } = await linekeeper(['usage', '--excel'], cli.env);
  assert.deepEqual([code, stdout.slice(0, 9)], [0, '\ufeffid,type,']);
});

test('without charges there is only a note; a refusal is shown', async () => {
  const { stdout, stderr } = await linekeeper(
    ['usage', '--to', '2024-01-02', '--from', '2024-01-01'],
    cli.env,
  );
  assert.deepEqual([stdout, stderr.slice(0, 21)], ['', '0 charges, 0.0000 USD']);
  const wrong = await linekeeper(['usage', '--from', 'soon'], cli.env);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /^error: from must be a moment/);
});
