import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { newOrganization, newUser, uniqueNumber } from '../../../server/testing/factories.ts';
import { CommandLine, linekeeper } from '../../testing/command-line.ts';

const cli = new CommandLine();
let folder: string;
let organization: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lk-import-'));
});
after(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  organization = await newOrganization(cli.server);
});

async function fileOf(text: string, name = 'numbers.csv'): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

const importing = (file: string, ...args: string[]) =>
  linekeeper(['numbers', 'import', file, '--organization', organization, ...args], cli.env);

async function count(): Promise<number> {
  return (await cli.server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`)).body.count;
}

const oneWrong = () => `phone_number,nickname\n${uniqueNumber()},Sales\n123,\n`;

test('an import without rejected rows ends with 0; without a terminal there is no progress bar', async () => {
  const user = await newUser(cli.server, organization);
  const file = await fileOf(`phone_number,user\n${uniqueNumber()},\n${uniqueNumber()},${user}\n`);
  const { code, stdout, stderr } = await importing(file);
  assert.match(stdout, /^Rows +2\nImported +2\nRejected +0\nBatch +[0-9a-f-]{36}\n$/);
  assert.deepEqual({ code, stderr, count: await count() }, { code: 0, stderr: '', count: 2 });
});

test('rejected rows are reported with line and reason, the others are imported, and it ends with 4', async () => {
  const { code, stdout, stderr } = await importing(await fileOf(oneWrong()));
  assert.match(
    stdout,
    /^Rows +2\nImported +1\nRejected +1\nBatch .*\n\nLINE +NUMBER +REASON\n3 +123 +phone_number .*\n$/,
  );
  assert.deepEqual({ code, stderr, count: await count() }, { code: 4, stderr: '', count: 1 });
});

test('--json is the one document of the report', async () => {
  const { code, stdout, stderr } = await importing(await fileOf(oneWrong()), '--json');
  const { success, rows, imported, rejections } = JSON.parse(stdout);
  assert.deepEqual(
    { success, rows, imported, line: rejections[0].line },
    { success: true, rows: 2, imported: 1, line: 3 },
  );
  assert.deepEqual({ code, stderr }, { code: 4, stderr: '' });
});

test('--all-or-nothing imports nothing beside a rejected row, and ends with 4', async () => {
  const file = await fileOf(oneWrong());
  const { code, stdout, stderr } = await importing(file, '--all-or-nothing');
  assert.match(stdout, /^Rows +2\nImported +0\nRejected +1\n\nLINE/);
  assert.match(stderr, /^error: 1 of 2 rows? was rejected, so nothing was imported\n$/);
  assert.deepEqual({ code, count: await count() }, { code: 4, count: 0 });
  const json = await importing(file, '--all-or-nothing', '--json');
  assert.equal(JSON.parse(json.stdout).code, 'import_rejected');
  assert.deepEqual({ code: json.code, stderr: json.stderr }, { code: 4, stderr: '' });
});

test('--dry-run shows what would happen', async () => {
  const { code, stdout } = await importing(await fileOf(oneWrong()), '--dry-run');
  assert.match(stdout, /^Rows +2\nWould be imported +1\nWould be rejected +1\n\nLINE/);
  assert.deepEqual({ code, count: await count() }, { code: 4, count: 0 });
});

test('people see twenty rejected rows, programs all of them', async () => {
  const file = await fileOf(`phone_number\n${'x\n'.repeat(30)}`);
  const { stdout, stderr } = await importing(file);
  assert.equal(stdout.split('\n\n')[1]!.trimEnd().split('\n').length, 1 + 20);
  assert.equal(stderr, '… and 10 more rejected rows; --json shows all\n');
  const json = await importing(file, '--json');
  assert.equal(JSON.parse(json.stdout).rejections.length, 30);
});

test('the ending of a file names its format, and --format that of stdin', async () => {
  const row = () => `${JSON.stringify({ phone_number: uniqueNumber(), nickname: 'Sales' })}\n`;
  assert.equal((await importing(await fileOf(row(), 'numbers.jsonl'))).code, 0);
  const args = ['numbers', 'import', '-', '--organization', organization, '--format', 'ndjson'];
  assert.equal((await linekeeper(args, cli.env, row())).code, 0);
  assert.equal(await count(), 2);
});

test('the same --idempotency-key gets the first report; --if-match refuses another revision', async () => {
  const file = await fileOf(oneWrong());
  const first = await importing(file, '--idempotency-key', 'cli');
  assert.deepEqual(await importing(file, '--idempotency-key', 'cli'), first);
  assert.deepEqual({ code: first.code, count: await count() }, { code: 4, count: 1 });
  const stale = await importing(await fileOf(oneWrong()), '--if-match', '999');
  assert.match(stale.stderr, /^error: The organization is at revision \d+\n/);
  assert.deepEqual({ code: stale.code, count: await count() }, { code: 1, count: 1 });
});

test('--default-country is the country of numbers without +', async () => {
  assert.equal(
    (await importing(await fileOf('phone_number\n020 7946 0018\n'), '--default-country', 'GB')).code,
    0,
  );
});

test('a file that cannot be read ends with 1 before anything is sent', async () => {
  const missing = await importing(join(folder, 'missing.csv'));
  assert.match(missing.stderr, /missing\.csv cannot be read: there is no such file\n$/);
  const directory = await importing(folder, '--format', 'csv');
  assert.match(directory.stderr, /cannot be read: it is a folder\n$/);
  assert.deepEqual([missing.code, directory.code], [1, 1]);
});

test('a refusal in the middle of a long file is reported as such', async () => {
  const file = await fileOf(`phone_number\n${'+12125550100\n'.repeat(400_000)}`);
  const wrong = { ...cli.env, LINEKEEPER_API_KEY: 'lk_live_wrong' };
  const args = ['numbers', 'import', file, '--organization', organization];
  const { code, stderr } = await linekeeper(args, wrong);
  assert.match(stderr, /^error: Invalid API key\n/);
  assert.equal(code, 1);
});
