import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../server/testing/factories.ts';
import { CommandLine, linekeeper, start } from '../testing/command-line.ts';

let organization: string;
let user: string;
const cli = new CommandLine(async server => {
  organization = await newOrganization(server);
  user = await newUser(server, organization);
});
const { run } = cli;

const fetched = async (query: string) =>
  (await cli.server.call('GET', `/v1/sms/phone-numbers?${query}`)).text;

test('a list is a table for people, with the count beside it', async () => {
  const own = await newOrganization(cli.server);
  const [first, second] = [uniqueNumber(), uniqueNumber()];
  const ann = await newUser(cli.server, own);
  await newNumbers(cli.server, own, [
    { phone_number: first, nickname: 'Sales', user_id: ann },
    { phone_number: second },
  ]);
  const { code, stdout, stderr } = await run('numbers', 'list', '--organization', own);
  const [headings, ...rows] = stdout.trimEnd().split('\n');
  assert.match(headings!, /^NUMBER +AVAILABLE +ASSIGNED TO +SINCE +NICKNAME$/);
  assert.match(
    rows[0]!,
    new RegExp(`^\\${first} +no +Ann Example <user\\d+@example\\.com> +\\d{4}-.*Z +Sales$`),
  );
  assert.match(rows[1]!, new RegExp(`^\\${second} +yes +- +- +-$`));
  assert.deepEqual({ code, stderr, rows: rows.length }, { code: 0, stderr: '2 numbers\n', rows: 2 });

  const available = await run('numbers', 'list', '--organization', own, '--available');
  assert.ok(available.stdout.includes(second) && !available.stdout.includes(first));
});

test('filters combine, the order can be reversed, and --total counts all that match', async () => {
  const own = await newOrganization(cli.server);
  const ann = await newUser(cli.server, own);
  const [sales, free, other] = ['+14155550101', '+14155550102', '+442079460101'];
  await newNumbers(cli.server, own, [
    { phone_number: sales, nickname: 'Sales West', user_id: ann },
    { phone_number: free },
    { phone_number: other },
  ]);
  await run('numbers', 'edit', free, '--tags', 'gold');
  const list = async (...args: string[]) => {
    const { code, stdout } = await run('numbers', 'list', '--organization', own, '--json', ...args);
    assert.equal(code, 0, args.join(' '));
    return JSON.parse(stdout).phone_numbers.map((n: { phone_number: string }) => n.phone_number);
  };
  assert.deepEqual(await list('--area-code', '415', '--starts-with', '+1 (415)'), [sales, free]);
  assert.deepEqual(await list('--starts-with', '(415)', '--default-country', 'us'), [sales, free]);
  assert.deepEqual(await list('--contains', '555-01', '--ends-with', '02', '--tag', 'gold'), [free]);
  assert.deepEqual(await list('--assigned-to', ann, '--status', 'assigned', '--nickname', 'sales'), [sales]);
  assert.deepEqual(await list('--sort', '-phone_number', '--available'), [other, free]);
  const long = ['--created-after', '2020-01-01', '--created-before', '2999-01-01T00:00:00Z'];
  assert.deepEqual(await list(...long), [sales, free, other]);
  assert.deepEqual(await list('--unassigned-since', '2020-01-01'), []);
  assert.deepEqual(await list('--unassigned-since', '2999-01-01'), [free, other]);

  const full = await run('numbers', 'list', '--organization', own, '--full', '--limit', '2', '--total');
  assert.match(
    full.stdout,
    /^NUMBER +STATUS +UNTIL +ASSIGNED TO +SINCE +AREA CODE +CREATED +NICKNAME +EXTERNAL ID +TAGS +LOCKED\n/,
  );
  assert.match(full.stdout, /\n\+14155550102 +available +- +- +- +415 +\S+Z +- +- +gold +no\n/);
  assert.equal(full.stderr, '2 numbers, of 3 that match\n');
  const args = ['--organization', own, '--full', '--limit', '2', '--total', '--json'];
  const document = await run('numbers', 'list', ...args);
  assert.equal(document.stdout, `${await fetched(`organization_id=${own}&view=full&limit=2&total=true`)}\n`);
});

test('--as-of is the list as it was, at a revision, a day or a moment', async () => {
  const own = await newOrganization(cli.server);
  const number = uniqueNumber();
  await newNumbers(cli.server, own, [{ phone_number: number, nickname: 'Old' }]);
  await run('numbers', 'edit', number, '--nickname', 'New');
  const list = async (then: string) =>
    (await run('numbers', 'list', '--organization', own, '--as-of', then)).stdout;
  assert.match(await list('2'), / Old\n$/);
  assert.match(await list('3'), / New\n$/);
  assert.equal(await list('1'), '');
  assert.equal(await list('2020-01-01'), '');
  assert.match(await list(new Date().toISOString()), / New\n$/);
});

test('an empty list says so on stderr', async () => {
  const own = await newOrganization(cli.server);
  const outcome = await run('numbers', 'list', '--organization', own);
  assert.deepEqual(outcome, { code: 0, stdout: '', stderr: '0 numbers\n' });
});

test('--json prints the body of the server, and nothing else', async () => {
  const own = await newOrganization(cli.server);
  await newNumbers(
    cli.server,
    own,
    [uniqueNumber(), uniqueNumber(), uniqueNumber()].map(phone_number => ({ phone_number })),
  );
  const list = (...args: string[]) => run('numbers', 'list', '--organization', own, '--json', ...args);
  const all = { code: 0, stdout: `${await fetched(`organization_id=${own}`)}\n`, stderr: '' };
  assert.deepEqual(await list(), all);
  const two = { code: 0, stdout: `${await fetched(`organization_id=${own}&limit=2`)}\n`, stderr: '' };
  assert.deepEqual(await list('--limit', '2'), two);
});

test('a list longer than a page is complete, in order, and one document', async () => {
  const own = await newOrganization(cli.server);
  const count = 11_000;
  const lines = Array.from({ length: count }, (_, i) => `+1212${2_000_000 + i}`);
  const args = ['numbers', 'import', '-', '--format', 'csv', '--organization', own];
  assert.equal((await linekeeper(args, cli.env, `phone_number\n${lines.join('\n')}`)).code, 0);

  const { stdout, stderr } = await run('numbers', 'list', '--organization', own);
  assert.deepEqual(
    stdout
      .trimEnd()
      .split('\n')
      .slice(1)
      .map(line => line.split(' ')[0]),
    lines,
  );
  assert.equal(stderr, '11,000 numbers\n');
  const newest = await run('numbers', 'list', '--organization', own, '--sort', '-created_at');
  assert.deepEqual(newest.stdout.match(/^\+\d+/gm)?.sort(), lines);

  const limited = await run('numbers', 'list', '--organization', own, '--json', '--limit', '10500');
  const { phone_numbers, next_cursor, ...rest } = JSON.parse(limited.stdout);
  assert.deepEqual(
    phone_numbers.map((number: { phone_number: string }) => number.phone_number),
    lines.slice(0, 10_500),
  );
  assert.deepEqual(rest, { success: true, count: 10_500, has_more: true, powered_by: 'Teli' });
  const tail = JSON.parse(await fetched(`organization_id=${own}&cursor=${next_cursor}&limit=10000`));
  assert.equal(tail.count, 500);
});

test('a reader that closes its end ends a list quietly', async () => {
  for (const extra of [[], ['--json']]) {
    const own = await newOrganization(cli.server);
    const numbers = Array.from({ length: 1000 }, () => ({
      phone_number: uniqueNumber(),
      nickname: 'x'.repeat(190),
    }));
    await newNumbers(cli.server, own, numbers);
    const child = start(['numbers', 'list', '--organization', own, ...extra], cli.env);
    let stderr = '';
    child.stderr.on('data', text => {
      stderr += text;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const [code] = await once(child, 'close');
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  }
});

test('a number is added, shown, edited, assigned and unassigned', async () => {
  const number = uniqueNumber();
  const fields = ['--nickname', 'Sales', '--external-id', 'crm-1', '--tags', 'west'];
  const add = await run('numbers', 'add', number, '--organization', organization, ...fields);
  assert.match(add.stdout, new RegExp(`\n\\${number} +available +- +Sales\n$`));
  assert.equal(add.stderr, 'Added 1 number\n');

  const national = number.slice(2);
  const show = await run('numbers', 'show', national);
  assert.match(show.stdout, new RegExp(`^Number +\\${number}$`, 'm'));
  assert.match(show.stdout, /^Nickname +Sales\nExternal ID +crm-1\nTags +west$/m);
  assert.match(show.stdout, new RegExp(`^Organization +Acme, ${organization}$`, 'm'));

  const assign = await run('numbers', 'assign', number, '--user', user);
  assert.match(assign.stdout, new RegExp(`^Number +\\${number}\nAssigned to +${user}\n`));
  const again = await run('numbers', 'assign', number, '--user', user);
  assert.match(again.stderr, /^error: Phone number already assigned to a user\n/);
  assert.equal(again.code, 1);
  const unassign = await run('numbers', 'unassign', number, '--json');
  assert.deepEqual(JSON.parse(unassign.stdout), {
    success: true,
    phone_number: number,
    user_id: user,
    status: 'available',
    available_at: null,
    powered_by: 'Teli',
  });

  const edit = await run('numbers', 'edit', number, '--no-nickname', '--json');
  assert.equal(JSON.parse(edit.stdout).phone_number.nickname, null);
});

test('--default-country is the country of numbers without +', async () => {
  const args = ['numbers', 'add', '020 7946 0958', '--default-country', 'gb', '--organization', organization];
  const { code, stdout } = await run(...args, '--json');
  assert.equal(code, 0);
  assert.equal(JSON.parse(stdout).phone_numbers[0].phone_number, '+442079460958');
});

test('control characters are escaped for people and left alone in JSON', async () => {
  const number = uniqueNumber();
  const nickname = '\x1b]0;owned\x07\u202e歯科';
  await newNumbers(cli.server, organization, [{ phone_number: number, nickname }]);
  const show = await run('numbers', 'show', number);
  assert.match(show.stdout, /\nNickname +\\x1b]0;owned\\x07\\u202e歯科\n/);
  const list = await run('numbers', 'list', '--organization', organization);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the test is that they are absent
  assert.doesNotMatch(list.stdout, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  const json = await run('numbers', 'show', number, '--json');
  assert.equal(JSON.parse(json.stdout).phone_number.nickname, nickname);
});
