import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { newNumbers, newOrganization } from './testing/factories.ts';
import { startTestServer, type TestServer } from './testing/server.ts';

/*
 * A database that goes back in time below a running server: a restore, or a failover to a replica that was behind.
 * Revisions that clients know are given out a second time, with other content.
 */

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

const base = '/v1/sms/phone-numbers';
const list = (organization: string, headers = {}) =>
  server.call('GET', `${base}?organization_id=${organization}`, { headers });
const log = (organization: string, more: string) =>
  server.call('GET', `/v1/events?organization_id=${organization}${more}`);

/** Leaves the database as it was before the last revision of the organization, which was the first edit of a number. */
async function goBack(organization: string, number: string): Promise<void> {
  const { db } = server.database;
  await db.transaction().execute(async tx => {
    const { id, revision } = await tx
      .selectFrom('organizations')
      .select(['id', 'revision'])
      .where('unique_id', '=', organization)
      .executeTakeFirstOrThrow();
    await sql`
      update phone_numbers n set nickname = v.nickname, since_revision = v.from_revision, modified_at = v.from_at
      from number_versions v
      where n.phone_number = ${number} and v.phone_number_id = n.id and v.to_revision = ${revision}`.execute(
      tx,
    );
    await sql`delete from number_versions where organization_id = ${id} and to_revision = ${revision}`.execute(
      tx,
    );
    await sql`delete from events where organization_id = ${id} and revision = ${revision}`.execute(tx);
    await sql`
      update organizations o set revision = ${revision - 1}, revised_at = e.at from events e
      where o.id = ${id} and e.organization_id = ${id} and e.revision = ${revision - 1}`.execute(tx);
  });
}

async function edited() {
  const organization = await newOrganization(server);
  const [number] = await newNumbers(server, organization);
  const edit = (nickname: string, headers = {}) =>
    server.call('PATCH', `${base}/${number!.phone_number}`, { body: { nickname }, headers });
  const back = () => goBack(organization, number!.phone_number);
  await edit('lost');
  return { organization, number: number!.phone_number, edit, back };
}

test('a list that was given out at a revision is not taken for the one that has that revision now', async () => {
  const { organization, number, edit, back } = await edited();
  const lost = await list(organization);
  const etag = lost.headers.get('etag')!;
  assert.equal(lost.body.phone_numbers[0].nickname, 'lost');
  assert.equal((await list(organization, { 'if-none-match': etag })).status, 304);
  const detail = await server.call('GET', `${base}/${number}`);
  assert.equal(detail.body.phone_number.nickname, 'lost');
  await back();
  assert.equal((await list(organization)).body.phone_numbers[0].nickname, null);
  await edit('kept');
  const kept = await list(organization, { 'if-none-match': etag });
  assert.equal(kept.status, 200);
  assert.equal(kept.body.phone_numbers[0].nickname, 'kept');
  assert.equal((await server.call('GET', `${base}/${number}`)).body.phone_number.nickname, 'kept');
  const refused = await edit('over what it never saw', { 'if-match': etag });
  assert.equal(refused.status, 412);
  assert.equal((await edit('ours', { 'if-match': kept.headers.get('etag')! })).status, 200);
});

test('a follower is told that the log does not go on from where it was', async () => {
  const { organization, edit, back } = await edited();
  const { cursor, revision } = (await log(organization, '')).body;
  const following = log(organization, `&after=${cursor}&wait=60`);
  await back();
  assert.equal((await following).body.code, 'log_restarted');
  const ahead = await log(organization, `&after_revision=${revision}`);
  assert.equal(ahead.status, 409);
  assert.equal(ahead.body.code, 'log_restarted');
  await edit('kept');
  const other = await log(organization, `&after=${cursor}`);
  assert.equal(other.body.code, 'log_restarted');
  assert.match(other.body.detail, /from the beginning/);
  await edit('more');
  assert.equal((await log(organization, `&after=${cursor}`)).body.code, 'log_restarted');
  const again = await log(organization, '&after_revision=0');
  assert.equal(again.body.cursor.split('-')[0], String(again.body.revision));
  assert.deepEqual((await log(organization, `&after=${again.body.cursor}`)).body.events, []);
});

test('a cursor goes on where it was, and is read strictly', async () => {
  const { organization, edit } = await edited();
  const first = await log(organization, '&limit=1');
  assert.equal(first.body.has_more, true);
  const second = await log(organization, `&limit=1&after=${first.body.cursor}`);
  assert.equal(second.body.events[0].revision, first.body.events.at(-1).revision + 1);
  const end = await log(organization, '');
  await edit('more');
  assert.equal((await log(organization, `&after=${end.body.cursor}`)).body.count, 1);
  for (const after of ['x', '1', '1-', '-1', '1-2-3'])
    assert.equal((await log(organization, `&after=${after}`)).status, 400, after);
  assert.equal((await log(organization, `&after=${end.body.cursor}&after_revision=1`)).status, 400);
});
