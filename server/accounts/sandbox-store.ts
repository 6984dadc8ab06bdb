import { sql } from 'kysely';
import { type Book, emptyBook, type SandboxStore } from '../../carriers/sandbox/store.ts';
import { type Db, transact } from '../db/database.ts';

/**
 * The sandbox's books in our own database, each in a row that is locked while it is changed.
 * @param db not a transaction where the sandbox is at work: what it has sold stays sold, whatever becomes of ours, as
 *   with a carrier of somebody else's. Whoever only prepares its book may do so in their own.
 */
export const sandboxStore = (db: Db): SandboxStore => ({
  change: (account, work) =>
    transact(db, async tx => {
      await sql`insert into sandbox_books (account, book) values (${account}, ${JSON.stringify(emptyBook)}) on conflict do nothing`.execute(
        tx,
      );
      const { book } = await tx
        .selectFrom('sandbox_books')
        .select('book')
        .where('account', '=', account)
        .forUpdate()
        .executeTakeFirstOrThrow();
      const result = work(book as Book);
      await tx
        .updateTable('sandbox_books')
        .set({ book: JSON.stringify(book) })
        .where('account', '=', account)
        .execute();
      return result;
    }),
});
