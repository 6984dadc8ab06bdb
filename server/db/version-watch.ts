import type pg from 'pg';
import type { Logger } from 'pino';
import { findUnknown, refusalOf } from './migrate.ts';

/** Whether a newer version has migrated the database under a running server. */
export type VersionWatch = {
  look(): Promise<void>;
  /** What to tell a load balancer, if this version cannot work beside the newer one. */
  refusal(): string | undefined;
};

/** A server that its successor has overtaken says so in its log, once for each migration. */
export function createVersionWatch(pool: pg.Pool, log: Logger): VersionWatch {
  const told = new Set<string>();
  let refusal: string | undefined;
  return {
    async look() {
      const unknown = await findUnknown(pool);
      const breaking = unknown.find(each => each.breaking);
      refusal = breaking && refusalOf(breaking);
      const news = unknown.filter(({ name }) => !told.has(name));
      for (const each of news) {
        told.add(each.name);
        if (each.breaking) log.error(refusalOf(each));
        else
          log.warn({ migration: each.name }, 'a newer version has migrated the database; this one goes on');
      }
    },
    refusal: () => refusal,
  };
}
