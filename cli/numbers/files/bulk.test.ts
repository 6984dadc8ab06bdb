import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../../server/testing/factories.ts';
import { CommandLine, linekeeper } from '../../testing/command-line.ts';
import { requestsOf } from './bulk.ts';

const cli = new CommandLine();
let organization: string;
let number: string;
beforeEach(async () => {
  organization = await newOrganization(cli.server);
  number = (await newNumbers(cli.server, organization))[0]!.phone_number;
});

const bulk = (input: string | Buffer, ...args: string[]) =>
  linekeeper(['numbers', 'bulk', '-', ...args], cli.env, input);
const lines = (items: object[]) => items.map(item => `${JSON.stringify(item)}\n`).join('\n');
const tag = (phone_number: string) => ({ action: 'tag', phone_number, add: ['west'] });

async function tags(): Promise<string[]> {
  return (await cli.server.call('GET', `/v1/sms/phone-numbers/${number}`)).body.phone_number.tags;
}

test('items of a file are done in order', async () => {
  const user = await newUser(cli.server, organization);
  const assign = { action: 'assign', phone_number: number, user_id: user };
  const { code, stdout, stderr } = await bulk(lines([tag(number), assign]));
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.equal(stdout, 'Items     2\nDone      2\nRejected  0\n');
  const { body } = await cli.server.call('GET', `/v1/sms/phone-numbers/${number}`);
  assert.deepEqual([body.phone_number.tags, body.phone_number.assigned_to.user_id], [['west'], user]);
});

test('rejected items are reported with place and reason, the others are done, and it ends with 4', async () => {
  const nobody = uniqueNumber();
  const items = [tag(nobody), tag(number)];
  const { code, stdout, stderr } = await bulk(JSON.stringify(items));
  assert.match(
    stdout,
    new RegExp(
      `^Items +2\nDone +1\nRejected +1\n\nITEM +NUMBER +REASON\n1 +\\${nobody} +Phone number not found\n$`,
    ),
  );
  assert.deepEqual({ code, stderr, tags: await tags() }, { code: 4, stderr: '', tags: ['west'] });
});

test('--dry-run shows what would happen, and --json prints the body of the server', async () => {
  const { code, stdout, stderr } = await bulk(lines([tag(number)]), '--dry-run', '--json');
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const { success, dry_run, done } = JSON.parse(stdout);
  assert.deepEqual([success, dry_run, done], [true, true, 1]);
  assert.match((await bulk(lines([tag(number)]), '--dry-run')).stdout, /\nWould be done +1\n/);
  assert.deepEqual(await tags(), []);
});

test('--atomic does nothing beside a rejected item, and ends with 4', async () => {
  const nobody = uniqueNumber();
  const input = lines([tag(number), tag(nobody)]);
  const { code, stdout, stderr } = await bulk(input, '--atomic');
  assert.match(stdout, new RegExp(`^Items +2\nDone +0\nRejected +1\n\nLINE .*\n3 +\\${nobody} +Phone`));
  assert.match(stderr, /^error: 1 of 2 items? was rejected, so nothing was changed\n$/);
  assert.deepEqual({ code, tags: await tags() }, { code: 4, tags: [] });
  const json = await bulk(input, '--atomic', '--json');
  assert.deepEqual([json.code, JSON.parse(json.stdout).code], [4, 'bulk_rejected']);
});

test('more than 10,000 items are several requests, with keys of their own, and one report', async () => {
  const input = lines([...Array.from({ length: 10_001 }, () => tag(number)), tag(uniqueNumber())]);
  const key = ['--idempotency-key', 'big'];
  const { code, stdout, stderr } = await bulk(input, ...key);
  assert.match(stdout, /^Items +10,002\nDone +10,001\nRejected +1\n\nLINE .*\n20003 /);
  assert.deepEqual({ code, stderr }, { code: 4, stderr: 'Sending 10,002 items in 2 requests\n' });
  const again = await bulk(input, ...key, '--json');
  const { success, done, rejected, results } = JSON.parse(again.stdout);
  assert.deepEqual([success, done, rejected, results.length], [true, 10_001, 1, 10_002]);
  const { index, line, code: why } = results.at(-1);
  assert.deepEqual([index, line, why], [10_001, 20_003, 'number_not_found']);

  const atomic = await bulk(input, '--atomic');
  assert.match(atomic.stderr, /^error: --atomic takes 10,000 items at most/);
  const matched = await bulk(input, '--if-match', '3');
  assert.match(matched.stderr, /^error: --if-match takes one request/);
  assert.deepEqual([atomic.code, matched.code], [2, 2]);
});

test('a request has no more bytes than the server reads, and an atomic change is never cut', () => {
  const items = ['a', 'b', 'c'].map(letter => letter.repeat(7_000_000));
  const counts = (atomic?: boolean) => requestsOf(items, atomic).map(({ length }) => length);
  assert.deepEqual(counts(), [2, 1]);
  assert.deepEqual(counts(true), [3]);
});

test('when a later request is refused, the message says what was done before', async () => {
  const input = lines([
    ...Array.from({ length: 10_000 }, () => tag(number)),
    { action: 'explode', phone_number: '' },
  ]);
  const { code, stdout, stderr } = await bulk(input);
  assert.deepEqual({ code, stdout, tags: await tags() }, { code: 1, stdout: '', tags: ['west'] });
  assert.match(stderr, /^error: line 20001: action must be one of assign, unassign, /m);
  assert.match(stderr, /\n {7}The first 10,000 items had been sent before that: 10,000 done, 0 rejected\./);

  const json = await bulk(input, '--json');
  const { success, done, rejected, results, code: why, error } = JSON.parse(json.stdout);
  assert.deepEqual(
    [json.code, success, done, rejected, results.length, why],
    [1, false, 10_000, 0, 10_000, 'invalid_request'],
  );
  assert.match(error, /^line 20001: action must be one of /);
});

test('a file may be as editors and spreadsheets write it', async () => {
  const line = JSON.stringify(tag(number));
  const files = [
    Buffer.from(`\ufeff${line}\r\n\r\n${line}\r\n`),
    Buffer.from(`${line}\r\r${line}`),
    Buffer.from(`\ufeff${line}\n${line}`, 'utf16le'),
    Buffer.from(`\ufeff${line}\n${line}`, 'utf16le').swap16(),
    Buffer.from(`\ufeff [${line},${line}]`),
  ];
  for (const file of files)
    assert.deepEqual(await bulk(file), {
      code: 0,
      stdout: 'Items     2\nDone      2\nRejected  0\n',
      stderr: '',
    });
  const other = await bulk(Buffer.from(`${line}\n{"nickname":"B\xfcro"}`, 'latin1'));
  assert.match(other.stderr, /^error: - is not text in UTF-8 or UTF-16/);
});

test('one empty number among 10,000 is one rejected item', async () => {
  const items = Array.from({ length: 10_000 }, (_, index) => tag(index === 7000 ? '' : number));
  const { code, stdout, stderr } = await bulk(lines(items));
  assert.match(stdout, /^Items +10,000\nDone +9,999\nRejected +1\n\nLINE .*\n14001 +- +phone_number is not/);
  assert.deepEqual({ code, stderr }, { code: 4, stderr: '' });
  const array = await bulk(JSON.stringify([tag(number), { action: 'release' }]));
  assert.match(array.stderr, /^error: item 2: phone_number is required\n/);
});

test('a file without JSON, and one without items, are one sentence', async () => {
  const broken = await bulk(`${JSON.stringify(tag(number))}\nnope\n`);
  assert.deepEqual(broken, { code: 1, stdout: '', stderr: 'error: Line 2 of - is not JSON\n' });
  assert.equal((await bulk('[')).stderr, 'error: - is not JSON\n');
  assert.equal((await bulk('\n')).stderr, 'error: - has no items\n');
});
