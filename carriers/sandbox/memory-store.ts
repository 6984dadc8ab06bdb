import { type Book, emptyBook, type SandboxStore } from './store.ts';

/** Books for tests, gone with the process. `work` is not asynchronous, so one change never meets another. */
export function memoryStore(): SandboxStore {
  const books = new Map<string, Book>();
  return {
    async change(account, work) {
      const book = structuredClone(books.get(account) ?? emptyBook);
      const result = work(book);
      // A copy, for the result may be a part of the book.
      books.set(account, structuredClone(book));
      return result;
    },
  };
}
