import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../../server/testing/factories.ts';
import { CommandLine, linekeeper } from '../../testing/command-line.ts';

const cli = new CommandLine();
let folder: string;
let organization: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lk-export-'));
  organization = await newOrganization(cli.server);
});
afterEach(() => rm(folder, { recursive: true }));

const exporting = (...args: string[]) =>
  linekeeper(['numbers', 'export', '--organization', organization, ...args], cli.env);
const sent = async (query: string) =>
  (await cli.server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}&${query}`)).text;

test('an export is the body of the server, with the filters of the list', async () => {
  const user = await newUser(cli.server, organization);
  await newNumbers(cli.server, organization, [
    { phone_number: '+14155550111', nickname: 'Sales, "West"', user_id: user },
    { phone_number: '+12125550111' },
  ]);
  assert.deepEqual(await exporting(), { code: 0, stdout: await sent('format=csv'), stderr: '' });
  const args = [
    '--format',
    'ndjson',
    '--full',
    '--area-code',
    '415',
    '--as-of',
    '3',
    '--sort',
    '-created_at',
  ];
  const query = 'format=ndjson&view=full&area_code=415&as_of=3&sort=-created_at';
  const filtered = await exporting(...args);
  assert.deepEqual(filtered, { code: 0, stdout: await sent(query), stderr: '' });
  assert.equal(JSON.parse(filtered.stdout).nickname, 'Sales, "West"');
  assert.equal((await exporting('--available')).stdout, await sent('format=csv&include_assigned=false'));
  const other = await exporting('--format', 'xml');
  assert.equal(other.code, 2);
});

test('the ending of a file names its format, and an existing file is replaced', async () => {
  await newNumbers(cli.server, organization);
  const file = join(folder, 'numbers.ndjson');
  const link = join(folder, 'link.jsonl');
  await writeFile(file, 'old');
  await chmod(file, 0o600);
  await symlink(file, link);
  const text = await sent('format=ndjson');
  const { code, stdout, stderr } = await exporting('--output', link);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: '' });
  assert.equal(stderr, `Wrote ${text.length} B to ${link}\n`);
  assert.equal(await readFile(file, 'utf8'), text);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual((await readdir(folder)).sort(), ['link.jsonl', 'numbers.ndjson']);
  const csv = join(folder, 'new.csv');
  assert.equal((await exporting('--output', csv)).code, 0);
  assert.equal(await readFile(csv, 'utf8'), await sent('format=csv'));
});

test('- is stdout, and makes no file of that name', async () => {
  await newNumbers(cli.server, organization);
  const before = await readdir('.');
  const written = await exporting('--output', '-');
  assert.deepEqual(written, { code: 0, stdout: await sent('format=csv'), stderr: '' });
  assert.deepEqual(await readdir('.'), before);
});

test('--excel begins with a byte order mark, and the file can be imported', async () => {
  const [number] = await newNumbers(cli.server, organization, [
    { phone_number: uniqueNumber(), nickname: 'Zürich; =1+1' },
  ]);
  const csv = await sent('format=csv');
  assert.equal((await exporting('--excel')).stdout, `\ufeff${csv}`);
  assert.equal((await exporting('--excel', '--output', '-')).stdout, `\ufeff${csv}`);
  const file = join(folder, 'excel.csv');
  assert.equal((await exporting('--excel', '--output', file)).code, 0);
  assert.equal(await readFile(file, 'utf8'), `\ufeff${csv}`);
  await cli.server.call('DELETE', `/v1/sms/phone-numbers/${number!.phone_number}`);
  const imported = await cli.run('numbers', 'import', file, '--organization', organization);
  assert.equal(imported.code, 0, imported.stdout);
  const { body } = await cli.server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`);
  assert.equal(body.phone_numbers[0].nickname, 'Zürich; =1+1');
  const refused = await exporting('--excel', '--format', 'ndjson');
  assert.deepEqual([refused.code, refused.stdout], [2, '']);
  const failed = await exporting('--excel', '--starts-with', 'x');
  assert.deepEqual([failed.code, failed.stdout], [1, '']);
});

test('an export that fails leaves the old file', async () => {
  const refused = [
    [folder, /is not a file$/m],
    [join(folder, 'nowhere', 'numbers.csv'), /cannot be written: ENOENT/],
    ['/dev/null', /is not a file$/m],
  ] as const;
  for (const [output, error] of refused) {
    const { code, stderr } = await exporting('--output', output);
    assert.equal(code, 1);
    assert.match(stderr, error);
  }
  const file = join(folder, 'numbers.csv');
  await writeFile(file, 'old');
  const wrong = await exporting('--output', file, '--starts-with', 'x');
  assert.match(wrong.stderr, /^error: starts_with must be digits of a phone number such as /);
  assert.deepEqual([wrong.code, await readFile(file, 'utf8')], [1, 'old']);
  assert.deepEqual(await readdir(folder), ['numbers.csv']);
});

test('a connection that breaks in the middle leaves no partial file, and ends with 1', async () => {
  const numbers = Array.from({ length: 1000 }, () => ({
    phone_number: uniqueNumber(),
    nickname: 'x'.repeat(190),
  }));
  for (let round = 0; round < 3; round++)
    await newNumbers(
      cli.server,
      organization,
      numbers.map(number => ({ ...number, phone_number: uniqueNumber() })),
    );
  const whole = await sent('format=csv');
  const enough = 300_000;
  assert(whole.length > 2 * enough);
  // A network in between that breaks after so many bytes.
  const between = createServer(client => {
    const upstream = connect(Number(new URL(cli.server.url).port), '127.0.0.1');
    let passed = 0;
    client.on('error', () => {}).pipe(upstream);
    upstream.on('error', () => {});
    upstream.on('data', piece => {
      passed += piece.length;
      client.write(piece);
      if (passed < enough) return;
      upstream.destroy();
      client.destroySoon();
    });
    client.on('close', () => upstream.destroy());
  });
  await new Promise<void>(resolve => between.listen(0, '127.0.0.1', resolve));
  try {
    const broken = {
      ...cli.env,
      LINEKEEPER_URL: `http://127.0.0.1:${(between.address() as AddressInfo).port}`,
    };
    const file = join(folder, 'numbers.csv');
    await writeFile(file, 'old');
    const args = ['numbers', 'export', '--organization', organization];
    const { code, stderr } = await linekeeper([...args, '--output', file], broken);
    assert.equal(code, 1);
    assert.match(stderr, /was lost before the answer was complete/);
    assert.equal(await readFile(file, 'utf8'), 'old');
    assert.deepEqual(await readdir(folder), ['numbers.csv']);
    const piped = await linekeeper(args, broken);
    assert.equal(piped.code, 1);
    assert(piped.stdout.length > 0 && whole.startsWith(piped.stdout));
  } finally {
    between.close();
  }
});

test('an exported file can be imported', async () => {
  const user = await newUser(cli.server, organization);
  const { email } = (await cli.server.call('GET', `/v1/organizations/${organization}/users/${user}`)).body
    .user;
  const added = await newNumbers(cli.server, organization, [
    { phone_number: uniqueNumber(), nickname: '=HYPERLINK("x"),\n😀', user_id: user },
    { phone_number: uniqueNumber() },
  ]);
  const file = join(folder, 'numbers.csv');
  assert.equal((await exporting('--full', '--output', file)).code, 0);
  const key = await cli.server.newTenant();
  const elsewhere = await newOrganization(cli.server, key);
  const path = `/v1/organizations/${elsewhere}/users`;
  await cli.server.call('POST', path, { key, body: { name: 'Ann', email } });
  const imported = await linekeeper(['numbers', 'import', file, '--organization', elsewhere], {
    ...cli.env,
    LINEKEEPER_API_KEY: key,
  });
  assert.equal(imported.code, 0, imported.stdout);
  const { body } = await cli.server.call('GET', `/v1/sms/phone-numbers?organization_id=${elsewhere}`, {
    key,
  });
  const shown = body.phone_numbers.map(
    (n: { phone_number: string; nickname: string; assigned_to: { email: string } | null }) => [
      n.phone_number,
      n.nickname,
      n.assigned_to?.email,
    ],
  );
  assert.deepEqual(shown, [
    [added[0]!.phone_number, '=HYPERLINK("x"),\n😀', email],
    [added[1]!.phone_number, null, undefined],
  ]);
});
