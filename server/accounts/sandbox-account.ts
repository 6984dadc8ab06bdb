import type { Book, Fault } from '../../carriers/sandbox/store.ts';
import type { Caller } from '../access/caller.ts';
import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import { getAccount } from './accounts.ts';
import { sandboxStore } from './sandbox-store.ts';

/** What the sandbox remembers of an account there. @throws Problem `carrier_incapable` for one at any other carrier */
export async function getBook(db: Db, caller: Caller, id: string): Promise<Book> {
  await assertSandbox(db, caller, id);
  return sandboxStore(db).change(id, book => book);
}

/** Says what is to go wrong there, in place of what was said before. */
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
