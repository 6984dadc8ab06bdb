import type { Book, Fault } from '../../carriers/sandbox/store.ts';
import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import type { Who } from '../keys/who.ts';
import { getAccount } from './accounts.ts';
import { sandboxStore } from './sandbox-store.ts';

/** What the sandbox remembers of an account there. @throws Problem `carrier_incapable` for one at any other carrier */
export async function getBook(db: Db, who: Who, id: string): Promise<Book> {
  await assertSandbox(db, who, id);
  return sandboxStore(db).change(id, book => book);
}

/** Says what is to go wrong there, in place of what was said before. */
export async function setFaults(db: Db, who: Who, id: string, faults: Fault[]): Promise<Book> {
  await assertSandbox(db, who, id);
  return sandboxStore(db).change(id, book => {
    book.faults = faults;
    return book;
  });
}

async function assertSandbox(db: Db, who: Who, id: string): Promise<void> {
  const { carrier } = await getAccount(db, who, id);
  if (carrier !== 'sandbox') throw new Problem('carrier_incapable', 'Only the sandbox can do this');
}
