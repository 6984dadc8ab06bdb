import assert from 'node:assert/strict';
import { type ClientRequest, request as httpRequest } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { importFile } from '../../testing/request.ts';
import { type Reply, startTestServer, type TestServer } from '../../testing/server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

type Options = { query?: string; type?: string; key?: string };

const path = (organization: string, query = '') =>
  `/v1/sms/phone-numbers/import?organization_id=${organization}${query}`;

const upload = (
  organization: string,
  body: string | Uint8Array,
  { query = '', type = 'text/csv', key = server.key }: Options = {},
): Promise<Reply> =>
  importFile(server.url, organization, { key, body, query, headers: { 'content-type': type } });

const rejections = ({ body }: Reply) =>
  body.rejections.map((one: { line: number; code: string; error: string }) => [
    one.line,
    one.code,
    one.error,
  ]);
const listed = async (organization: string) =>
  (await server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`)).body.phone_numbers;
const revisionOf = async (organization: string) =>
  (await server.call('GET', `/v1/organizations/${organization}`)).body.organization.revision;

test('CSV is read in all the forms that programs write', async () => {
  const organization = await newOrganization(server);
  const [a, b, c, d] = [uniqueNumber(), uniqueNumber(), uniqueNumber(), uniqueNumber()];
  const text = [
    '\ufeffNickname,PHONE_NUMBER',
    `"Smith, ""Bob"" & Sons",${a}`,
    `"two\nlines",${b.slice(2)}`,
    '',
    `,"(${c.slice(2, 5)}) ${c.slice(5, 8)}-${c.slice(8)}"`,
    ` trimmed , ${d} `,
  ].join('\r\n');
  const reply = await upload(organization, text);
  assert.equal(reply.status, 200, reply.text);
  const { batch_id } = reply.body;
  assert.match(batch_id, /^[0-9a-f-]{36}$/);
  const counts = { imported: 4, updated: 0, unchanged: 0, rejected: 0 };
  const its = { organization_id: organization, name: 'Acme', is_new: false, batch_id, update_batch_id: null };
  const report = {
    ...{ success: true, dry_run: false, batch_id, rows: 4, ...counts },
    ...{ organizations: [{ ...its, ...counts }], not_taken: [] },
    ...{ columns: ['Nickname', 'PHONE_NUMBER'], separator: ',', rejections: [] },
  };
  assert.equal(reply.text, JSON.stringify({ ...report, powered_by: 'Teli' }));
  assert.equal(reply.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.deepEqual(
    (await listed(organization)).map((item: Reply['body']) => [item.phone_number, item.nickname]),
    [
      [a, 'Smith, "Bob" & Sons'],
      [b, 'two\nlines'],
      [c, null],
      [d, 'trimmed'],
    ],
  );
});

test('NDJSON is read, and each bad line is reported', async () => {
  const organization = await newOrganization(server);
  const user = await newUser(server, organization);
  const [a, b] = [uniqueNumber(), uniqueNumber()];
  const lines = [
    `{"phone_number":"${a}","nickname":"Line \\"1\\"","user":"${user}"}`,
    '{"phone_number":',
    '["+14155550000"]',
    '',
    '{"phone_number":14155550000}',
    '{"phone_number":"+14155550000","organization":"x"}',
    '{"nickname":"no number"}',
    `{"phone_number":"${b}","nickname":null}`,
  ];
  const reply = await upload(organization, lines.join('\n'), { type: 'application/x-ndjson; charset=utf-8' });
  assert.equal(reply.status, 200, reply.text);
  assert.deepEqual(rejections(reply), [
    [2, 'invalid', 'the line is not valid JSON'],
    [3, 'invalid', 'the line is not a JSON object'],
    [5, 'invalid', 'phone_number must be a string or null'],
    [6, 'unknown_organization', 'organization: there is none with the unique_id or name x'],
    [7, 'invalid', 'phone_number is not a phone number'],
  ]);
  assert.equal(reply.body.rows, 7);
  const [first, second] = await listed(organization);
  assert.equal(first.assigned_to.user_id, user);
  assert.equal(second.nickname, null);
});

test('a bad file is refused as a whole, with the reason', async () => {
  const organization = await newOrganization(server);
  const refusals: [string | Uint8Array<ArrayBuffer>, RegExp][] = [
    ['', /^The file is empty: its first line must name the columns$/],
    ['\n\n', /^The file is empty: its first line must name the columns$/],
    [',;,\n', /^The first line must name the columns, and none of its names means phone_number\. /],
    [
      'nickname,user\n1,2\n',
      /Its columns are "nickname", "user"\. Say which one has the number \(columns, --column /,
    ],
    ['phone_number,phone_number\n1,2\n', /^The first line names phone_number twice$/],
    ['"phone_number\n1\n', /^Line 1: the row has a quotation mark that is not closed/],
    [
      Uint8Array.from(Buffer.from('phone_number\n1\n\xe9\n', 'latin1')),
      /^The file is not UTF-8 text: line 3 has other bytes\. Save it as UTF-8 .* charset=windows-1252/,
    ],
  ];
  for (const [content, error] of refusals) {
    const reply = await upload(organization, content);
    assert.equal(reply.status, 400, reply.text);
    assert.match(reply.body.error, error);
  }
  assert.equal((await upload('org_unknown', 'phone_number\n')).status, 404);
  assert.deepEqual(await listed(organization), []);
});

/** A file with one row of each kind, and the expected report. */
async function mixed(organization: string, other: string) {
  const user = await newUser(server, organization);
  const { email } = (await server.call('GET', `/v1/organizations/${organization}/users/${user}`)).body.user;
  const idle = await newUser(server, organization);
  await server.call('PATCH', `/v1/organizations/${organization}/users/${idle}`, {
    body: { status: 'inactive' },
  });
  const [here] = await newNumbers(server, organization);
  const [elsewhere] = await newNumbers(server, other);
  const [a, b, c] = [uniqueNumber(), uniqueNumber(), uniqueNumber()];
  const text = `phone_number,nickname,user
${a},A,${user}
${b},B,${email.toUpperCase()}
415-555-12,,
${c},${'x'.repeat(201)},
${c},,${idle}
${c},,nobody
${here!.phone_number},,
${elsewhere!.phone_number},,
${a.slice(2)},again,
${c}
${c},C,
`;
  const taken = (where: string) => `the number is already in ${where}`;
  const expected = [
    [4, 'invalid', 'phone_number has 8 digits after +1 instead of 10'],
    [5, 'invalid', 'nickname is longer than 200 characters'],
    [6, 'unknown_user', `no active user ${idle} in this organization`],
    [7, 'unknown_user', 'no active user nobody in this organization'],
    [8, 'already_exists', taken(organization)],
    [9, 'already_exists', taken(other)],
    [10, 'duplicate_in_file', 'the number is already in line 2'],
    [11, 'invalid', 'the row has 1 column, but the first line names 3'],
  ];
  return { text, expected, user, imported: [a, b, c], before: here! };
}

test('every bad row is reported, and the good ones are imported in one revision', async () => {
  const [organization, other] = [await newOrganization(server), await newOrganization(server)];
  const { text, expected, user, imported } = await mixed(organization, other);
  const before = await revisionOf(organization);
  const dry = await upload(organization, text, { query: '&dry_run=true' });
  assert.equal(dry.status, 200);
  assert.equal(dry.body.dry_run, true);
  assert.equal(dry.body.batch_id, null);
  const strict = await upload(organization, text, { query: '&all_or_nothing=true' });
  assert.equal(strict.status, 422);
  assert.equal(strict.body.success, false);
  assert.equal(strict.body.code, 'import_rejected');
  assert.equal(strict.body.error, '8 of 11 rows were rejected, so nothing was imported');
  assert.equal(strict.body.request_id, strict.headers.get('x-request-id'));
  assert.equal(strict.body.imported, 0);
  assert.equal(await revisionOf(organization), before);
  assert.equal((await listed(organization)).length, 1);
  const reply = await upload(organization, text);
  assert.equal(reply.status, 200);
  for (const one of [dry, strict, reply]) {
    assert.deepEqual(rejections(one), expected);
    assert.equal(one.body.rows, 11);
    assert.equal(one.body.rejected, 8);
  }
  assert.equal(dry.body.imported, 3);
  assert.equal(reply.body.imported, 3);
  assert.equal(await revisionOf(organization), before + 1);
  const items = (await listed(organization)).filter((item: Reply['body']) =>
    imported.includes(item.phone_number),
  );
  assert.deepEqual(
    items.map((item: Reply['body']) => [item.nickname, item.assigned_to?.user_id]),
    [
      ['A', user],
      ['B', user],
      ['C', undefined],
    ],
  );

  const { db } = server.database;
  const log = await db
    .selectFrom('events')
    .select('data')
    .where('type', '=', 'numbers.imported')
    .orderBy('at')
    .execute();
  assert.deepEqual(log.at(-1)?.data, { batch_id: reply.body.batch_id, count: 3 });
  const pieces = await db
    .selectFrom('batch_items')
    .selectAll()
    .where('batch_id', '=', reply.body.batch_id)
    .execute();
  assert.deepEqual(
    pieces.flatMap(piece => piece.items),
    items.map((item: Reply['body']) => ({
      id: item.id,
      phone_number: item.phone_number,
      nickname: item.nickname,
      user_id: item.assigned_to?.user_id ?? null,
    })),
  );
  const again = await upload(organization, text);
  assert.equal(again.body.imported, 0);
  assert.equal(again.body.batch_id, null);
  assert.equal(await revisionOf(organization), before + 1);
});

test('a bound key does not learn which other organization has a number', async () => {
  const [organization, other] = [await newOrganization(server), await newOrganization(server)];
  const { text, expected } = await mixed(organization, other);
  const key = await server.newKey({ organization_id: organization });
  const reply = await upload(organization, text, { key, query: '&dry_run=true' });
  assert.deepEqual(
    rejections(reply),
    expected.map(row => (row[0] === 9 ? [9, 'already_exists', 'the number already exists'] : row)),
  );
  assert(!reply.text.includes(other));
});

test('numbers without + belong to the default country', async () => {
  const organization = await newOrganization(server);
  await upload(organization, 'phone_number\n020 7946 0958\n', { query: '&default_country=GB' });
  assert.equal((await listed(organization))[0].pretty_phone_number, '+44 20 7946 0958');
});

test('two imports of the same numbers into two organizations: each number goes to one of them', async () => {
  for (const strict of [false, true]) {
    const organizations = [await newOrganization(server), await newOrganization(server)];
    const numbers = Array.from({ length: 800 }, uniqueNumber);
    // In opposite order, so that the imports meet.
    const files = [numbers, numbers.toReversed()].map(rows => `phone_number\n${rows.join('\n')}\n`);
    const query = strict ? '&all_or_nothing=true' : '';
    const replies = await Promise.all(organizations.map((id, index) => upload(id, files[index]!, { query })));
    const lists = await Promise.all(organizations.map(listed));
    const all = lists.flat().map((item: Reply['body']) => item.phone_number);
    assert.deepEqual(all.sort(), numbers.toSorted());
    for (const [index, { status, body, text }] of replies.entries()) {
      assert([200, 422].includes(status), text);
      assert.equal(body.imported, lists[index].length);
      assert.equal(body.imported + (status === 200 ? body.rejected : 0), status === 200 ? 800 : 0);
    }
    if (strict) assert.deepEqual(replies.map(reply => reply.status).sort(), [200, 422]);
  }
});

test('an upload that breaks off imports nothing, and leaves nothing behind', async () => {
  const organization = await newOrganization(server);
  for (let round = 0; round < 6; round++) {
    const headers = { 'x-api-key': server.key, 'content-type': 'text/csv', 'transfer-encoding': 'chunked' };
    const request = httpRequest(server.url + path(organization), { method: 'POST', headers });
    request.on('error', () => {});
    const rows = Array.from({ length: 1000 }, uniqueNumber);
    await new Promise(resolve => request.write(`phone_number\n${rows.join('\n')}\n`, resolve));
    request.destroy();
    await new Promise(resolve => request.once('close', resolve));
  }
  // Needs a place among the imports of its tenant: uploads that broke off must free theirs.
  let reply = await upload(organization, `phone_number\n${uniqueNumber()}\n`);
  while (reply.status === 429) reply = await upload(organization, `phone_number\n${uniqueNumber()}\n`);
  assert.equal(reply.status, 200, reply.text);
  assert.equal((await listed(organization)).length, 1);
});

test('clients that do not wait for a long report leak no session', async () => {
  const organization = await newOrganization(server);
  const text = `phone_number\n${'x\n'.repeat(8_000)}`;
  const leavings: ((request: ClientRequest) => Promise<unknown>)[] = [
    request => new Promise(resolve => request.on('response', response => response.once('data', resolve))),
    // While the rows are classified: the file has arrived, and the client has gone.
    ...Array.from({ length: 6 }, (_, index) => () => sleep(60 + index * 30)),
  ];
  for (const leaving of leavings) {
    const headers = { 'x-api-key': server.key, 'content-type': 'text/csv' };
    const request = httpRequest(server.url + path(organization), { method: 'POST', headers });
    request.on('error', () => {});
    request.end(text);
    await leaving(request);
    request.destroy();
  }
  let report = await upload(organization, text);
  while (report.status === 429) report = await upload(organization, text);
  assert.equal(report.body.rejected, 8_000);
  assert.equal(report.body.rejections.length, 8_000);
  const { pool } = server.database;
  let sessions = -1;
  while (sessions !== 0) {
    const { rows } = await pool.query(
      `select count(*) from pg_stat_activity
       where datname = current_database() and application_name = 'linekeeper session'`,
    );
    sessions = rows[0].count;
  }
});
