import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { check } from '../../check/check.ts';
import { csvLine } from '../../http/csv.ts';
import { nastyText } from '../../testing/arbitrary.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { request } from '../../testing/request.ts';
import { fuzzing } from '../../testing/runs.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(async () => {
  assert.deepEqual((await check(server.database)).findings, []);
  await server.stop();
});

/** What stands for something that exists, in the cells of a generated file. */
type Known = { numbers: string[]; users: string[]; organizations: string[]; ids: string[] };
const place = (from: keyof Known, count: number) =>
  fc.nat(count - 1).map(index => ({ from, index }) as const);
type Cell = string | { from: keyof Known; index: number };

const soon = new Date(Date.now() + 86_400_000).toISOString();
const columns: Record<string, fc.Arbitrary<Cell>> = {
  phone_number: fc.oneof(
    { weight: 9, arbitrary: place('numbers', 12) },
    fc.constantFrom('', '12', '+49 115', '+49 151 23456789 (Bob)', '+49 30 555012 555013', '1.2E+10'),
    nastyText,
  ),
  nickname: fc.oneof(fc.constantFrom('', 'Desk', 'two\nlines', 'x'.repeat(201), '=1+1'), nastyText),
  user: fc.oneof(
    fc.constant(''),
    fc.constant(''),
    place('users', 4),
    fc.constantFrom('new@x.example', 'NEW@x.example', 'nobody'),
    nastyText,
  ),
  user_name: fc.constantFrom('', 'Ann Example', 'x'.repeat(300)),
  organization: fc.oneof(
    fc.constant(''),
    { weight: 3, arbitrary: place('organizations', 5) },
    fc.constantFrom('New One', 'new  one', 'x'.repeat(201)),
    nastyText,
  ),
  status: fc.constantFrom('', '', 'available', 'assigned', 'reserved', 'Cooling down', 'pending', 'Active'),
  until: fc.constantFrom('', soon, soon, '2020-01-01', 'tomorrow', '9999-12-31'),
  reservation_note: fc.oneof(fc.constantFrom('', 'note', 'x'.repeat(501)), nastyText),
  external_id: fc.oneof(fc.constant(''), place('ids', 4), nastyText),
  tags: fc.oneof(fc.constantFrom('', 'a', 'b, a', 'x'.repeat(61)), nastyText),
  locked: fc.constantFrom('', 'yes', 'false', 'maybe'),
  metadata: fc.oneof(fc.constantFrom('', '{}', '{"a":[1]}', '[]', '{"a":'), nastyText),
  'metadata.city': fc.oneof(fc.constantFrom('', 'Berlin', 'x'.repeat(9000)), nastyText),
  City: fc.oneof(fc.constant(''), nastyText),
  '': fc.constantFrom('', '', 'x'),
};

const file = fc
  .subarray(
    Object.keys(columns).filter(name => name !== 'phone_number'),
    { minLength: 1, maxLength: 9 },
  )
  .chain(others =>
    fc.record({
      names: fc.constant(['phone_number', ...others]),
      rows: fc.array(fc.tuple(...['phone_number', ...others].map(name => columns[name]!)), {
        minLength: 1,
        maxLength: 14,
      }),
      separator: fc.constantFrom(',', ';', '\t'),
      end: fc.constantFrom('\n', '\r\n', '\r'),
      /** Whether cells are quoted as they must be. Otherwise rows break in many ways. */
      isQuoted: fc.boolean(),
      isJson: fc.boolean(),
    }),
  );
const options = fc.record({
  update: fc.boolean(),
  create_organizations: fc.boolean(),
  create_users: fc.boolean(),
  hasOrganization: fc.boolean(),
});

function textOf(
  { names, rows, separator, end, isQuoted, isJson }: typeof file extends fc.Arbitrary<infer T> ? T : never,
  known: Known,
): string {
  const cell = (value: Cell) => (typeof value === 'string' ? value : (known[value.from][value.index] ?? ''));
  if (isJson)
    return rows
      .map(row => JSON.stringify(Object.fromEntries(names.map((name, index) => [name, cell(row[index]!)]))))
      .join('\n');
  const quoted = (text: string) => (isQuoted ? `"${text.replaceAll('"', '""')}"` : text);
  return [names, ...rows.map(row => row.map(cell))].map(cells => cells.map(quoted).join(separator)).join(end);
}

async function newKnown(key: string): Promise<Known> {
  const [own, other, idle] = [
    await newOrganization(server, key, 'Own'),
    await newOrganization(server, key, 'Other'),
    await newOrganization(server, key, 'Idle'),
  ];
  await server.call('PATCH', `/v1/organizations/${idle}`, { key, body: { status: 'inactive' } });
  const [ann, bob, elsewhere] = [
    await newUser(server, own, key),
    await newUser(server, own, key),
    await newUser(server, other, key),
  ];
  await server.call('PATCH', `/v1/organizations/${own}/users/${bob}`, { key, body: { status: 'suspended' } });
  const { email } = (await server.call('GET', `/v1/organizations/${own}/users/${bob}`, { key })).body.user;
  const numbers = Array.from({ length: 12 }, uniqueNumber);
  const ids = ['taken', 'crm-1', 'crm-2', 'own'];
  await newNumbers(
    server,
    own,
    [
      { phone_number: numbers[0]!, nickname: 'Desk', external_id: 'own', tags: ['a'] },
      { phone_number: numbers[1]!, user_id: ann },
      { phone_number: numbers[2]! },
    ],
    key,
  );
  await server.call('POST', `/v1/sms/phone-numbers/${numbers[2]}/reserve`, {
    key,
    body: { expires_in: 3600 },
  });
  await newNumbers(server, other, [{ phone_number: numbers[3]!, external_id: 'taken' }], key);
  return {
    numbers,
    ids,
    users: [ann, bob, elsewhere, email],
    organizations: [own, 'own', 'OTHER', idle, other],
  };
}

test('a dry run takes and refuses the rows that the import takes and refuses', async () => {
  await fc.assert(
    fc.asyncProperty(file, options, fc.boolean(), async (generated, { hasOrganization, ...flags }, rests) => {
      // Names are unique in a tenant of its own.
      const tenant = await server.newTenant();
      const known = await newKnown(tenant);
      const settings = { cool_down_seconds: rests ? 60 : 0 };
      await server.call('PATCH', '/v1/tenant', { key: tenant, body: settings });
      const query = new URLSearchParams(Object.entries(flags).map(([name, flag]) => [name, String(flag)]));
      if (hasOrganization) query.set('organization_id', known.organizations[0]!);
      const content = generated.isJson ? 'application/x-ndjson' : 'text/csv';
      const text = textOf(generated, known);
      const send = async (dry: boolean, body = text) => {
        const reply = await request(server.url, `/v1/sms/phone-numbers/import?${query}&dry_run=${dry}`, {
          method: 'POST',
          headers: { 'x-api-key': tenant, 'content-type': content },
          body,
        });
        return { status: reply.status, body: JSON.parse(reply.text) };
      };
      const plan = await send(true);
      if (plan.status === 200 && !generated.isJson && !/[\0\ud800-\udfff]/.test(text)) {
        const { file, rejections } = rejectedFile(plan.body);
        assert.deepEqual(rejectionsOf((await send(true, file)).body), rejections);
      }
      const deed = await send(false);
      assert(plan.status < 500, JSON.stringify(plan.body));
      assert.deepEqual(plain(deed), plain(plan));
      if (deed.status !== 200) return;
      const { rows, imported, updated, unchanged, rejected, rejections } = deed.body;
      assert.equal(imported + updated + unchanged + rejected, rows);
      assert.equal(rejections.length, rejected);
      // What was taken is here now, and equal.
      const again = await send(false);
      if (flags.update) assert.equal(again.body.imported + again.body.updated, 0, JSON.stringify(again.body));
    }),
    fuzzing('files'),
  );
});

/** A report without what a dry run cannot know: ids of what it does not create. */
function plain({
  status,
  body,
}: {
  status: number;
  body: Record<string, unknown> & { organizations?: object[] };
}) {
  const { dry_run, request_id, batch_id, organizations, ...rest } = body;
  const named = organizations?.map(one => ({
    ...one,
    organization_id: '',
    batch_id: '',
    update_batch_id: '',
  }));
  return { status, ...rest, named };
}

type Rejected = { code: string; field: string | null; error: string; row: string[] };

/** What is wrong with rows whatever the other rows are. */
const rejectionsOf = ({ rejections = [] }: { rejections?: Rejected[] }) =>
  rejections
    .filter(({ code, field }) => code === 'invalid' && field !== null)
    .map(({ field, error }) => [field, error]);

/** The file that `--rejected` writes: nothing is corrected, so the rows are wrong in the same way. */
function rejectedFile(report: { columns: string[]; separator: string; rejections: Rejected[] }) {
  const { columns, separator, rejections } = report;
  const rows = rejections.filter(({ row }) => row.length === columns.length);
  const file = [
    csvLine(['line', 'field', 'reason', ...columns], separator),
    ...rows.map(({ field, error, row }) => csvLine(['1', field ?? '', error, ...row], separator)),
  ].join('');
  return { file, rejections: rejectionsOf({ rejections: rows }) };
}
