/** Limits the calls of one account. */
type Semaphore = { underWay: number; waiting: (() => void)[] };

/** One for each account with a call under way. All clients of an account in this process share it. */
const semaphores = new Map<string, Semaphore>();

/**
 * Does `work` once fewer than `concurrency` calls of the account are under way. Waiting calls go first come, first
 * served. After `waitMsMax` it returns undefined and does not begin `work`.
 */
export async function limited<T>(
  account: string,
  concurrency: number,
  waitMsMax: number,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const semaphore = semaphores.get(account) ?? { underWay: 0, waiting: [] };
  semaphores.set(account, semaphore);
  if (semaphore.underWay < concurrency) semaphore.underWay++;
  else if (!(await acquired(semaphore, waitMsMax))) return undefined;
  try {
    return await work();
  } finally {
    const next = semaphore.waiting.shift();
    if (next) next();
    else if (--semaphore.underWay === 0) semaphores.delete(account);
  }
}

/** Whether another call ended in time and gave its place to this one. */
const acquired = (semaphore: Semaphore, waitMsMax: number): Promise<boolean> =>
  new Promise(resolve => {
    const acquire = () => {
      clearTimeout(timer);
      resolve(true);
    };
    const timer = setTimeout(() => {
      semaphore.waiting.splice(semaphore.waiting.indexOf(acquire), 1);
      resolve(false);
    }, waitMsMax);
    semaphore.waiting.push(acquire);
  });

/** We call the carrier again after an hour, even if it asks us to wait longer. */
const retryAfterMsMax = 3_600_000;

/** `Retry-After` in milliseconds from now: seconds or an HTTP date (RFC 9110, 10.2.3). */
export function readRetryAfter(header: string | null): number | undefined {
  if (!header || !/^\d+$|GMT$/.test(header)) return undefined;
  const ms = header.endsWith('GMT') ? Date.parse(header) - Date.now() : Number(header) * 1000;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), retryAfterMsMax);
}

/**
 * How long to back off after so many attempts. It doubles from `retryMs` and is no less than the carrier asks for. It is
 * random, so that calls that were refused together do not return together.
 */
export function backOffMs(attempts: number, retryMs: number, asked: number | undefined): number {
  const ours = retryMs * 2 ** (attempts - 1);
  return Math.max(ours, asked ?? 0) + Math.random() * ours;
}
