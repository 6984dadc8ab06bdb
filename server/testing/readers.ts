import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { isUnavailable } from '../errors.ts';
import type { Shown } from './history.ts';
import { type RawReply, request } from './request.ts';
import type { TestServer } from './server.ts';

/** A tenant of the test. Both have organizations, users and numbers of the same names; only the marker tells them apart. */
export type Marked = {
  marker: string;
  other: string;
  key: string;
  tenantId: string;
  organizations: string[];
};

/** The revision of each organization, by the tenant's id and its unique_id. */
export type Revisions = Map<string, number>;
export const associatedData = ({ tenantId }: Marked, organization: string): string =>
  `${tenantId} ${organization}`;

/** Numbers in full, as one call has shown them; what the database was at before and after it. */
export type Sight = {
  tenant: Marked;
  from: Revisions;
  to: Revisions;
  numbers: Map<string, Partial<Shown> | null>;
};
/** A body of a list, and which it is. */
export type Listed = { tenant: Marked; organization: string; url: string; revision: number; text: string };

/** What the database itself says, past the servers, whatever becomes of a connection. */
export function watch(connection: pg.ClientConfig) {
  const pool = new pg.Pool({ ...connection, max: 4 });
  pool.on('error', () => {});
  pool.on('connect', client => client.on('error', () => {}));
  async function ask<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    for (;;) {
      try {
        return (await pool.query<Row>(text, values)).rows;
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        await sleep(5);
      }
    }
  }
  return {
    ask,
    async revisions(): Promise<Revisions> {
      type Row = { place: string; revision: number };
      const text = `select tenant_id || ' ' || unique_id as place, revision from organizations`;
      return new Map((await ask<Row>(text)).map(({ place, revision }) => [place, revision]));
    },
    close: () => pool.end(),
  };
}

export type Watch = ReturnType<typeof watch>;

const views = [
  '',
  '',
  '&include_assigned=false',
  '&view=full',
  '&limit=3',
  '&limit=2&total=true',
  '&sort=-phone_number&limit=4',
];
const encodings = ['gzip', 'br', 'zstd', 'identity', ''];
const pick = <T>(list: T[]): T => list[Math.floor(Math.random() * list.length)]!;

/** What the readers have seen together, and what it was counted as. */
export function createReaders(servers: TestServer[], watched: Watch, numbers: string[]) {
  /** By tenant, URL and tag: whatever has one of these is one body, whichever server sent it. */
  const lists = new Map<string, Listed>();
  const sights: Sight[] = [];
  const counts = new Map<string, number>();
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);

  /**
   * Reads as one client until told to stop, from all servers in turn. Every reply is held against what the database
   * had committed before the request was sent; so what one reader sees never goes back either.
   * @param mayFail whether a reply may also be that the database is away, or break off
   */
  async function read(tenant: Marked, until: AbortSignal, mayFail: boolean): Promise<void> {
    const tags = new Map<string, string>();
    for (let turn = 0; !until.aborted; turn++) {
      const server = servers[turn % servers.length]!;
      const kind = Math.random();
      try {
        if (kind < 0.7) await readLists(server, tenant, tags, mayFail);
        else await readNumbers(server, tenant, kind < 0.9 ? [pick(numbers)] : numbers, mayFail);
      } catch (error) {
        // A long list whose snapshot is lost can only break off.
        if (!mayFail || error instanceof assert.AssertionError) throw error;
        count('broken off');
      }
    }
  }

  /** One list several times: at once, so that they wait for one body, and once more, so that it is at hand. */
  async function readLists(
    server: TestServer,
    tenant: Marked,
    tags: Map<string, string>,
    mayFail: boolean,
  ): Promise<void> {
    // The large list is seldom read: it takes as long as a hundred others.
    const all = tenant.organizations;
    const organization = Math.random() < 0.1 ? all.at(-1)! : pick(all.slice(0, 2));
    const url = `/v1/sms/phone-numbers?organization_id=${organization}${pick(views)}`;
    const readOne = () => readList(server, tenant, organization, url, tags, mayFail);
    await Promise.all([readOne(), readOne()]);
    await readOne();
  }

  async function readList(
    server: TestServer,
    tenant: Marked,
    organization: string,
    url: string,
    tags: Map<string, string>,
    mayFail: boolean,
  ): Promise<void> {
    const known = Math.random() < 0.4 ? tags.get(url) : undefined;
    const encoding = pick(encodings);
    const headers = {
      'x-api-key': tenant.key,
      ...(encoding && { 'accept-encoding': encoding }),
      ...(known && { 'if-none-match': known }),
    };
    const from = (await watched.revisions()).get(associatedData(tenant, organization))!;
    const reply = await request(server.url, url, { headers });
    if (isAway(reply, mayFail)) return;
    const tag = reply.headers.etag!;
    const [, base, revision, encodedAs] = /^("(\d+)-\d+-[0-9a-z]+)(?:-(gzip|br|zstd))?"$/.exec(tag)!;
    assert(Number(revision) >= from, `${url} at ${revision}, sent when ${from} was committed`);
    assert.equal(reply.headers['cache-control'], 'private, no-cache');
    assert.equal(reply.headers.vary, 'accept, accept-encoding');
    count(`${reply.status}`);
    if (reply.status === 304) {
      assert.equal(tag, known, 'a 304 for a tag that was not sent');
      assert.equal(reply.text, '');
      return;
    }
    assert.equal(reply.status, 200, reply.text);
    assert(!tagMatches(known, tag), 'a body for a tag that is right');
    assert.equal(reply.headers['content-encoding'], encodedAs);
    assert(encodedAs === undefined || encodedAs === encoding);
    count(encodedAs ? 'encoded' : 'identity');
    tags.set(url, tag);
    assert(!reply.text.includes(tenant.other), `${url} shows what is the other tenant's: ${reply.text}`);
    const name = `${tenant.marker} ${url} ${base}`;
    const before = lists.get(name);
    if (before) assert.equal(reply.text, before.text, `two bodies with one tag: ${name}`);
    else lists.set(name, { tenant, organization, url, revision: Number(revision), text: reply.text });
  }

  /** One list at every server, as who has just changed it looks at what came of that. */
  async function look(tenant: Marked, organization: string, mayFail: boolean): Promise<void> {
    const url = `/v1/sms/phone-numbers?organization_id=${organization}`;
    await Promise.all(servers.map(server => readList(server, tenant, organization, url, new Map(), mayFail)));
  }

  async function readNumbers(server: TestServer, tenant: Marked, asked: string[], mayFail: boolean) {
    const { key } = tenant;
    const from = await watched.revisions();
    const seen: Sight['numbers'] = new Map();
    if (asked.length === 1) {
      const path = `/v1/sms/phone-numbers/${encodeURIComponent(asked[0]!)}`;
      const reply = await request(server.url, path, { headers: { 'x-api-key': key } });
      if (isAway(reply, mayFail)) return;
      if (reply.status !== 404) assert.equal(reply.status, 200, reply.text);
      assert(!reply.text.includes(tenant.other), `it shows what is the other tenant's: ${reply.text}`);
      seen.set(asked[0]!, reply.status === 404 ? null : JSON.parse(reply.text).phone_number);
      count(reply.status === 404 ? 'not found' : 'found');
    } else {
      const body = { phone_numbers: asked };
      const reply = await server.call('POST', '/v1/sms/phone-numbers/lookup', { key, body });
      if (mayFail && reply.status === 503) return count('away');
      assert.equal(reply.status, 200, reply.text);
      assert(!reply.text.includes(tenant.other), `it shows what is the other tenant's: ${reply.text}`);
      assert.equal(reply.body.results.length, asked.length);
      for (const { asked: number, phone_number } of reply.body.results) seen.set(number, phone_number);
      count('looked up');
    }
    sights.push({ tenant, from, to: await watched.revisions(), numbers: seen });
  }

  function isAway(reply: RawReply, mayFail: boolean): boolean {
    if (!mayFail || reply.status !== 503) return false;
    count('away');
    return true;
  }

  const replies = () => [...counts.values()].reduce((sum, count) => sum + count, 0);

  return { read, look, lists, sights, counts, replies };
}

/** Whether a tag is right for a body that was sent with another one: of the same revision in some encoding. */
const tagMatches = (known: string | undefined, tag: string) =>
  known !== undefined && known.replace(/-(gzip|br|zstd)"$/, '"') === tag.replace(/-(gzip|br|zstd)"$/, '"');
