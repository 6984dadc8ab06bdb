import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { newOrganization, newUser, uniqueNumber } from '../../../server/testing/factories.ts';
import { CommandLine, linekeeper } from '../../testing/command-line.ts';

const cli = new CommandLine();
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lk-import-'));
});
after(() => rm(folder, { recursive: true }));

async function fileOf(content: string | Uint8Array, name = 'numbers.csv'): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
}

const importing = (file: string, ...args: string[]) =>
  linekeeper(['numbers', 'import', file, ...args], cli.env);
const numbersOf = async (organization: string) =>
  (await cli.server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`)).body
    .phone_numbers as { phone_number: string; nickname: string | null }[];

test('rejected rows come back as a file that is corrected and imported again', async () => {
  const organization = await newOrganization(cli.server);
  const [a, b, c] = [uniqueNumber(), uniqueNumber(), uniqueNumber()];
  const rows = [`${a};=Sum`, '123;"Müller; ""Bob"""', `${b};Smith; Jones`, `${c};fine`];
  const file = await fileOf(`sep=;\r\nDID;Label\r\n${rows.join('\r\n')}\r\n`);
  const rejected = join(folder, 'rejected.csv');
  const first = await importing(file, '--organization', organization, '--rejected', rejected);
  assert.equal(first.code, 4, first.stderr);
  const text = await readFile(rejected, 'utf8');
  assert.equal(
    text,
    [
      '\ufeffline;field;reason;DID;Label',
      '4;phone_number;phone_number has only 3 digits: a short code is not a phone number;123;"Müller; ""Bob"""',
      `5;;"the row has 3 columns, but the first line names 2";${b};Smith;Jones`,
      '',
    ].join('\r\n'),
  );
  const corrected = uniqueNumber();
  await writeFile(rejected, text.replace(';123;', `;${corrected};`).replace('Smith;Jones', 'Smith Jones'));
  const second = await importing(rejected, '--organization', organization, '--rejected', rejected);
  assert.deepEqual([second.code, second.stderr], [0, '']);
  assert.match(second.stdout, /^Rows +2\nImported +2\nRejected +0\nBatch/);
  assert.equal(await readFile(rejected, 'utf8'), '\ufeffline;field;reason;DID;Label\r\n');
  assert.deepEqual((await numbersOf(organization)).map(({ nickname }) => nickname).sort(), [
    '=Sum',
    'Müller; "Bob"',
    'Smith Jones',
    'fine',
  ]);
});

test('the rejected rows of NDJSON, and of a file without a header, come back too', async () => {
  const organization = await newOrganization(cli.server);
  const lines = ['{"number":"12","x":[1]}', '{', JSON.stringify({ number: uniqueNumber() })];
  const rejected = join(folder, 'rejected.ndjson');
  const file = await fileOf(lines.join('\n'), 'numbers.ndjson');
  await importing(file, '--organization', organization, '--rejected', rejected);
  assert.deepEqual(
    (await readFile(rejected, 'utf8'))
      .trim()
      .split('\n')
      .map(line => JSON.parse(line)),
    [
      {
        ...{ number: '12', x: [1], line: 1, field: 'phone_number' },
        reason: 'phone_number has only 2 digits: a short code is not a phone number',
      },
      { text: '{', line: 2, field: null, reason: 'the line is not valid JSON' },
    ],
  );
  const list = await fileOf(`Desk,13\nDoor,${uniqueNumber()}\n`, 'list.txt');
  const again = join(folder, 'again.csv');
  const columns = ['--no-header', '--column', 'phone_number=2', '--column', 'nickname=1'];
  const { code, stderr } = await importing(
    list,
    '--format',
    'csv',
    '--organization',
    organization,
    ...columns,
    '--rejected',
    again,
  );
  assert.equal(code, 4, stderr);
  const text = await readFile(again, 'utf8');
  assert.match(text, /^\ufeffline,field,reason,nickname,phone_number\r\n1,phone_number,.*,Desk,13\r\n$/);
  await writeFile(again, text.replace(',Desk,13', `,Desk,${uniqueNumber()}`));
  assert.equal((await importing(again, '--organization', organization)).code, 0);
  assert.equal((await numbersOf(organization)).length, 3);
});

test('columns, encodings and gzip', async () => {
  const organization = await newOrganization(cli.server);
  const [a, b, c] = [uniqueNumber(), uniqueNumber(), uniqueNumber()];
  const to = ['--organization', organization];
  const named = await fileOf(`Line;Room;Fax\n${a};Küche;12\n`);
  const first = await importing(
    named,
    ...to,
    '--column',
    'phone_number="Line"'.replaceAll('"', ''),
    '--column',
    'nickname=room',
  );
  assert.match(first.stdout, /\nNot taken +Fax \(1 row\)\n/);
  const latin = await fileOf(Buffer.from(`Number;Label\n${b};Küche\n`, 'latin1'));
  assert.match(
    (await importing(latin, ...to)).stderr,
    /^error: The file is not UTF-8 text: line 2 .*--encoding windows-1252/,
  );
  assert.equal((await importing(latin, ...to, '--encoding', 'windows-1252')).code, 0);
  assert.equal((await importing(await fileOf(gzipSync(`${c}\n`), 'list.csv.gz'), ...to)).code, 0);
  assert.deepEqual(
    (await numbersOf(organization)).map(({ nickname }) => nickname),
    ['Küche', 'Küche', null],
  );
  const wrong = await importing(named, ...to, '--column', 'Line');
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /It must be a field and a column, such as phone_number="Phone Number"/);
});

test('a first move from one spreadsheet, and an update from an export', async () => {
  const rows = ['Ann', 'Bob', 'Ann'].map(
    (who, row) => `${uniqueNumber()},Shop ${row % 2},${who}@shop.example\n`,
  );
  const sheet = await fileOf(`Phone Number,Customer,Email\n${rows.join('')}`);
  const missing = await importing(sheet);
  assert.equal(missing.code, 4);
  assert.match(missing.stdout, /organization: there is none with the unique_id or name Shop 0\n/);
  const creating = ['--create-organizations', '--create-users'];
  const plan = await importing(sheet, ...creating, '--dry-run');
  assert.match(plan.stdout, /^Rows +3\nWould be imported +3\n/);
  const { code, stdout } = await importing(sheet, ...creating);
  assert.equal(code, 0, stdout);
  assert.match(
    stdout,
    /\nORGANIZATION +NAME +NEW +IMPORTED +UPDATED +UNCHANGED +REJECTED\norg_\w+ +Shop 0 +yes +2 +0 +0 +0\n/,
  );
  const organization = /org_\w+/.exec(stdout)![0];
  const exported = join(folder, 'exported.csv');
  await linekeeper(
    ['numbers', 'export', '--organization', organization, '--full', '--output', exported],
    cli.env,
  );
  const user = await newUser(cli.server, organization);
  const text = (await readFile(exported, 'utf8')).replace(/ann@shop\.example/i, user);
  await writeFile(exported, text);
  const updated = await importing(exported, '--organization', organization, '--update');
  assert.equal(updated.code, 0, updated.stdout + updated.stderr);
  assert.match(
    updated.stdout,
    /^Rows +2\nImported +0\nUpdated +1\nUnchanged +1\nRejected +0\nNot taken +id \(2 rows\), /,
  );
});
