import type { Book, Fault } from '../../carriers/sandbox/store.ts';
import type { Caller } from '../access/caller.ts';
import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import { getAccount } from './accounts.ts';
import { sandboxStore } from './sandbox-store.ts';

/** The sandbox's book of an account. @throws Problem `carrier_incapable` for an account at any other carrier */
export async function getBook(db: Db, caller: Caller, id: string): Promise<Book> {
  await assertSandbox(db, caller, id);
  return sandboxStore(db).change(id, book => book);
}

/** Replaces the faults that the sandbox will make. */
export async function setFaults(db: Db, caller: Caller, id: string, faults: Fault[]): Promise<Book> {
  await assertSandbox(db, caller, id);
  return sandboxStore(db).change(id, book => {
    book.faults = faults;
    return book;
  });
}

async function assertSandbox(db: Db, caller: Caller, id: string): Promise<void> {
  const { carrier } = await getAccount(db, caller, id);
  if (carrier !== 'sandbox') throw new Problem('carrier_incapable', 'Only the sandbox can do this');
}
