import { sql } from 'kysely';
import { type Book, emptyBook, type SandboxStore } from '../../carriers/sandbox/store.ts';
import { type Db, transact } from '../db/database.ts';

/**
 * The sandbox's books in our own database: one row an account, locked while it changes.
 * @param db not a transaction when the sandbox acts as a carrier: its sales must survive a rollback of ours, as a real
 *   carrier's do. A caller that only prepares the book may use its own transaction.
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
