import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { newOrganization, uniqueNumber } from '../../testing/factories.ts';
import { importFile } from '../../testing/request.ts';
import { type Reply, startTestServer, type TestServer } from '../../testing/server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

const upload = async (
  body: string | Uint8Array,
  query = '',
  headers: Record<string, string> = {},
): Promise<Reply & { organization: string }> => {
  const organization = await newOrganization(server);
  const reply = await importFile(server.url, organization, { key: server.key, body, query, headers });
  return { ...reply, organization };
};
const columnsParameter = (columns: object) => `&columns=${encodeURIComponent(JSON.stringify(columns))}`;

async function kept({ organization }: { organization: string }) {
  const path = `/v1/sms/phone-numbers?organization_id=${organization}&view=full`;
  return (await server.call('GET', path)).body.phone_numbers as Record<string, never>[];
}

/** Asserts that all rows came in, and nothing was left out. @returns their numbers and nicknames */
async function allOf(reply: Reply & { organization: string }) {
  assert.equal(reply.status, 200, reply.text);
  assert.deepEqual([reply.body.rejections, reply.body.not_taken], [[], []]);
  return (await kept(reply)).map(({ phone_number, nickname }) => [phone_number, nickname]);
}

const utf16 = (text: string) => Buffer.from(text, 'utf16le');

test('a file of any spreadsheet is read as it is', async () => {
  const [a, b] = [uniqueNumber(), uniqueNumber()];
  const rows = [
    [a, 'Büro, Nord'],
    [b, null],
  ];
  const text = (separator: string, end = '\r\n') =>
    ['phone_number,nickname', `${a},"Büro, Nord"`, `${b},`].join(end).replaceAll(/,(?! )/g, separator) + end;
  const bigEndian = Buffer.from(utf16(`\ufeff${text('\t')}`)).swap16();
  const files: (string | Uint8Array)[] = [
    ...[',', ';', '\t'].flatMap(one => [text(one), text(one, '\n'), text(one, '\r'), `\ufeff${text(one)}`]),
    ...[',', ';', '\t', '|', ':'].map(one => `sep=${one}\r\n${text(one)}`),
    `\ufeffsep=;\n${text(';', '\n')}`,
    utf16(`\ufeff${text('\t')}`),
    utf16(text(';')),
    utf16(`\ufeffsep=;\r\n${text(';')}`),
    bigEndian,
    gzipSync(text(',')),
    gzipSync(utf16(`\ufeff${text('\t')}`)),
    text(',').replaceAll(/(\r\n)/g, '$1\r\n,,\r\n  \r\n""\r\n'),
    text(',').replaceAll('\r\n', ',,\r\n'),
    text(',').trimEnd(),
    text(',').replace('\r\n', '\n').replace('Nord"\r\n', 'Nord"\r'),
    text(',').replace('phone_number,nickname', '"Phone Number", NICKNAME '),
    text(',').replace('phone_number,nickname', 'TN,Friendly-Name,,'),
  ];
  for (const file of files) {
    const reply = await upload(file);
    assert.deepEqual(await allOf(reply), rows, JSON.stringify(file.toString()));
    for (const number of [a, b]) await server.call('DELETE', `/v1/sms/phone-numbers/${number}`);
  }
  const latin = Buffer.from(text(';'), 'latin1');
  const refused = await upload(latin);
  assert.match(refused.body.error, /^The file is not UTF-8 text: line 2 has other bytes\. Save it as UTF-8/);
  const told = await upload(latin, '', { 'content-type': 'text/csv; charset="Windows-1252"' });
  assert.deepEqual(await allOf(told), rows);
  const unknown = await upload(latin, '', { 'content-type': 'text/csv; charset=klingon' });
  assert.match(unknown.body.error, /^The charset klingon is not known: use utf-8/);
});

test('the names of columns that people and programs use are known', async () => {
  const names = [
    'Phone Number',
    'PhoneNumber',
    'phone',
    'NUMBER',
    'did',
    'TN',
    'E164',
    'E.164',
    'Telephone_Number',
  ];
  for (const name of [...names, 'TelephoneNumber', 'Mobile Number', 'phone-number', 'PHONE NUMBER']) {
    const number = uniqueNumber();
    assert.deepEqual(await allOf(await upload(`${name}\n${number}\n`)), [[number, null]], name);
    const line = JSON.stringify({ [name]: uniqueNumber() });
    await allOf(await upload(line, '', { 'content-type': 'application/x-ndjson' }));
  }
  const number = uniqueNumber();
  const both = await upload(`Phone,Number,phone_number,Label\n1,2,${number},Desk\n`);
  assert.deepEqual(both.body.not_taken, [
    { column: 'Phone', rows: 1 },
    { column: 'Number', rows: 1 },
  ]);
  assert.deepEqual(
    (await kept(both)).map(({ phone_number, nickname }) => [phone_number, nickname]),
    [[number, 'Desk']],
  );
});

test('what a spreadsheet puts around a number is not part of it', async () => {
  const numbers = Array.from({ length: 4 }, uniqueNumber);
  const [a, b, c, d] = numbers.map(number => number.slice(2));
  const rows = [`="${a}",'=x`, `"=""${b}""","="""""`, `'${c},'+1`, `'+1${d},''=x`];
  const reply = await upload(`Phone (E.164),Label\n${rows.join('\n')}\n`);
  assert.deepEqual(
    await allOf(reply),
    numbers.map((number, row) => [number, ['=x', null, '+1', "'=x"][row]]),
  );
});

test('only what follows from the rest is left out without a word', async () => {
  const number = uniqueNumber();
  const own = await upload(`Number,Line,Field,Country\n${number},1,Sales,US\n`);
  assert.deepEqual(
    own.body.not_taken.map(({ column }: { column: string }) => column),
    ['Line', 'Field', 'Country'],
  );
  const path = `/v1/sms/phone-numbers?organization_id=${own.organization}&format=csv`;
  const { text } = await server.call('GET', path);
  await server.call('DELETE', `/v1/sms/phone-numbers/${number}`);
  const again = await upload(text.replace('id,', 'line,field,reason,id,').replace(/\n(?=.)/, '\n2,x,y,'));
  assert.deepEqual(
    [again.body.imported, again.body.not_taken.map(({ column }: { column: string }) => column)],
    [1, ['id', 'created_at']],
  );
});

test('columns names any column, and without a header its position', async () => {
  const [a, b] = [uniqueNumber(), uniqueNumber()];
  const named = await upload(
    `Line,Where,Who\n${a},Berlin,Ann\n`,
    columnsParameter({ phone_number: 'Line', nickname: 'who', 'metadata.city': 'Where' }),
  );
  assert.deepEqual(await allOf(named), [[a, 'Ann']]);
  assert.deepEqual((await kept(named))[0]!.metadata, { city: 'Berlin' });
  const placed = await upload(
    `Ann;${b};x\n`,
    `&no_header=true${columnsParameter({ phone_number: '2', nickname: '1' })}`,
  );
  assert.deepEqual(placed.body.not_taken, [{ column: 'column 3', rows: 1 }]);
  assert.deepEqual(
    (await kept(placed)).map(({ nickname }) => nickname),
    ['Ann'],
  );
  const refusals: [string, string, RegExp][] = [
    ['x', '', /^columns must be a JSON object/],
    ['[]', '', /^columns must be a JSON object/],
    ['{"phone_number":1}', '', /^columns must be a JSON object/],
    ['{"colour":"x"}', '', /^columns: colour is not a field\. Fields are phone_number, /],
    [
      '{"phone_number":"Gone"}',
      '',
      /^There is no column "Gone" for phone_number\. Its columns are "phone_number"/,
    ],
    ['{"nickname":"Gone"}', '&no_header=true', /^columns: nickname must be a position from 1/],
  ];
  for (const [columns, more, error] of refusals) {
    const reply = await upload(
      `phone_number\n${uniqueNumber()}\n`,
      `&columns=${encodeURIComponent(columns)}${more}`,
    );
    assert.equal(reply.status, 400, reply.text);
    assert.match(reply.body.error, error);
  }
});

test('a file of numbers alone needs no header', async () => {
  for (const end of ['\n', '\r\n', '\r', ',\n', ';\r\n']) {
    const numbers = Array.from({ length: 3 }, uniqueNumber);
    const text = numbers.map(number => `${number.slice(2)}${end}`).join('');
    const reply = await upload(text);
    assert.equal(reply.body.rows, 3);
    assert.deepEqual(
      await allOf(reply),
      numbers.map(number => [number, null]),
    );
  }
  const wrong = await upload(`20655501\n${uniqueNumber()}\n`);
  assert.deepEqual([wrong.body.imported, wrong.body.rejections[0].line], [1, 1]);
  const [a, b] = [uniqueNumber(), uniqueNumber()];
  const two = await upload(`${a},Front desk\n${b},\n`);
  assert.match(two.body.error, /or that the first line is a row \(no_header, --no-header\)$/);
  const told = await upload(`${a},Front desk\n${b},\n`, '&no_header=true');
  assert.deepEqual(told.body.not_taken, [{ column: 'column 2', rows: 1 }]);
  assert.equal(told.body.imported, 2);
});

test('a wrong row is wrong alone, and named by its line in the file', async () => {
  const numbers = Array.from({ length: 8 }, uniqueNumber);
  const at = (place: number) => numbers[place]!;
  const text = [
    'sep=,',
    'phone_number,nickname',
    `${at(0)},"two`,
    'lines"',
    `${at(1)},Smith, Jones`,
    `${at(2)},5" pipe`,
    `${at(3)},"never closed`,
    `${at(4)},fine`,
    `${at(5)},"closed" too early`,
    '',
    `${at(6)},${'x'.repeat(70_000)}`,
    `${at(7)},"a ""quoted"" name"`,
    '12,',
  ].join('\r\n');
  const reply = await upload(`\ufeff${text}`);
  assert.deepEqual(
    reply.body.rejections.map(({ line, field, row }: Record<string, never>) => [line, field, row]),
    [
      [5, null, [at(1), 'Smith', 'Jones']],
      [7, null, [at(3), '"never closed']],
      [9, null, [at(5), '"closed" too early']],
      [11, null, []],
      [13, 'phone_number', ['12', '']],
    ],
  );
  assert.match(reply.body.rejections[1].error, /^the row has a quotation mark that is not closed: write /);
  assert.deepEqual(
    (await kept(reply)).map(({ nickname }) => nickname),
    ['two\r\nlines', '5" pipe', 'fine', 'a "quoted" name'],
  );
  const lines = [
    '{',
    `{"number":"${uniqueNumber()}","x":"${'y'.repeat(70_000)}"}`,
    `{"number":"${uniqueNumber()}"}`,
  ];
  const json = await upload(lines.join('\r\n'), '', { 'content-type': 'application/x-ndjson' });
  assert.deepEqual(
    json.body.rejections.map(({ line }: Record<string, never>) => line),
    [1, 2],
  );
  assert.equal(json.body.imported, 1);
});

test('a body that is no file is refused in words', async () => {
  const text = 'phone_number\n+12065550100\n';
  const types = [
    'image/png',
    'multipart/form-data; boundary=x',
    'application/json',
    'application/octet-stream',
    '',
  ];
  for (const type of [...types, 'application/x-www-form-urlencoded', 'text/csvx']) {
    const reply = await upload(text, '', { 'content-type': type });
    assert.equal(reply.status, 415, reply.text);
    assert.match(reply.text, /text\/csv or application\/x-ndjson/);
    if (type !== '') assert.match(reply.body.detail, /--data-binary/);
  }
  const packed = await upload(text, '', { 'content-encoding': 'br' });
  assert.deepEqual([packed.status, packed.body.code], [415, 'media_type_unsupported']);
  for (const type of [
    'application/vnd.ms-excel',
    'text/plain',
    'Text/CSV ; header=present',
    'application/csv',
  ])
    await allOf(await upload(`phone_number\n${uniqueNumber()}\n`, '', { 'content-type': type }));
  await allOf(
    await upload(gzipSync(`phone_number\n${uniqueNumber()}\n`), '', { 'content-encoding': 'gzip' }),
  );
  const broken: [Uint8Array, RegExp][] = [
    [gzipSync(text).subarray(0, 20), /^The file is not whole: its gzip data is broken/],
    [Buffer.concat([gzipSync(text), Buffer.from('x')]), /^The file is not whole/],
    [Buffer.from('PK\x03\x04xxxxx', 'latin1'), /^The file is a spreadsheet or an archive: save it as CSV/],
    [Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1]), /^The file is a spreadsheet/],
    [Buffer.from([0xff, 0xfe, 0x41]), /^The file is not UTF-16LE text: line 1 has other bytes\.$/],
  ];
  for (const [bytes, error] of broken) {
    const reply = await upload(bytes);
    assert.equal(reply.status, 400, reply.text);
    assert.match(reply.body.error, error);
  }
});
