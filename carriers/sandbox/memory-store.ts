import { type Book, emptyBook, type SandboxStore } from './store.ts';

/** Books in memory, for tests. `work` is synchronous, so changes never overlap. */
export function memoryStore(): SandboxStore {
  const books = new Map<string, Book>();
  return {
    async change(account, work) {
      const book = structuredClone(books.get(account) ?? emptyBook);
      const result = work(book);
      // A copy, since the result may be a part of the book.
      books.set(account, structuredClone(book));
      return result;
    },
  };
}
