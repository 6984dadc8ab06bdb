import { randomUUIDv7 } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Book, BookedNumber, Fault } from '../../carriers/sandbox/store.ts';
import { associatedData } from '../accounts/open.ts';
import { sandboxStore } from '../accounts/sandbox-store.ts';
import { createVault } from '../accounts/vault.ts';
import type { Db } from '../db/database.ts';
import { secretKey, type TestServer } from '../testing/server.ts';

const vault = createVault([secretKey]);

export async function tenantOf(server: TestServer, key = server.key): Promise<string> {
  return (await server.call('GET', '/v1/tenant', { key })).body.tenant.id;
}

/** @returns the id of a new carrier account of the key's tenant */
export async function newAccount(
  server: TestServer,
  { key = server.key, carrier = 'sandbox', credentials = {} } = {},
): Promise<string> {
  const tenant_id = await tenantOf(server, key);
  const id = randomUUIDv7();
  await server.database.db
    .insertInto('carrier_accounts')
    .values({
      tenant_id,
      id,
      carrier,
      name: id,
      credentials: vault.seal(JSON.stringify(credentials), associatedData(tenant_id, id)),
    })
    .execute();
  return id;
}

const changeBook = <T>(db: Db, account: string, work: (book: Book) => T): Promise<T> =>
  sandboxStore(db).change(account, work);

/** Puts numbers into the sandbox's book of an account. @returns their ids there */
export const own = (
  db: Db,
  account: string,
  numbers: (Partial<BookedNumber> & { phone_number: string })[],
): Promise<string[]> =>
  changeBook(db, account, book =>
    numbers.map(number => {
      const id = `sandbox-number-${++book.sequence}`;
      const rest = { name: null, tags: [], reference: null, charges: [], ordering: false };
      book.numbers.push({ id, ...rest, released: false, attachment: null, ...number });
      return id;
    }),
  );

/** Lets the account lose numbers without anybody having asked for it. */
export const lose = (db: Db, account: string, lost: string[]): Promise<void> =>
  changeBook(db, account, book => {
    for (const number of book.numbers) if (lost.includes(number.phone_number)) number.released = true;
  });

export const fault = (db: Db, account: string, ...faults: Fault[]): Promise<void> =>
  changeBook(db, account, book => {
    book.faults = faults;
  });

/** What the account owns at the sandbox. */
export const owned = (db: Db, account: string): Promise<string[]> =>
  changeBook(db, account, book =>
    book.numbers.filter(number => !number.released).map(number => number.phone_number),
  );

// biome-ignore lint/suspicious/noExplicitAny: a test looks into the body as it likes
export type RunBody = any;

/** Begins a run and waits for its end. */
export async function goThrough(
  server: TestServer,
  account: string,
  what: string,
  body?: object,
  key = server.key,
): Promise<RunBody> {
  const path = `/v1/carrier-accounts/${account}/${what}`;
  const reply = await server.call('POST', path, { key, ...(body && { body }) });
  if (reply.status !== 202) throw new Error(`POST ${path}: ${reply.text}`);
  return ended(server, reply.body.run.id, key);
}

export async function ended(server: TestServer, run: string, key = server.key): Promise<RunBody> {
  for (;;) {
    const { body } = await server.call('GET', `/v1/carrier-runs/${run}`, { key });
    if (body.run.finished_at !== null) return body.run;
    await sleep(20);
  }
}

/** What a run has found, by pile: the numbers in their order. */
export async function pilesOf(server: TestServer, run: string): Promise<Record<string, string[]>> {
  const { body } = await server.call('GET', `/v1/carrier-runs/${run}/drift?limit=1000`);
  const piles: Record<string, string[]> = { not_here: [], not_there: [], different: [] };
  for (const { pile, phone_number } of body.drift) piles[pile]!.push(phone_number);
  return piles;
}
