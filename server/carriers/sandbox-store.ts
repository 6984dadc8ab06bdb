import { sql } from 'kysely';
import { type Book, emptyBook, type SandboxStore } from '../../carriers/sandbox/store.ts';
import type { Db } from '../db/database.ts';

/**
 * The sandbox's books in our own database, each in a row that is locked while it is changed. Always in a transaction
 * of its own, as a carrier of somebody else's would be: what it has sold stays sold, whatever becomes of ours.
 */
export const sandboxStore = (db: Db): SandboxStore => ({
  change: (account, work) =>
    db.transaction().execute(async tx => {
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
