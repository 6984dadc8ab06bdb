/** The calls of one account: how many are under way, and who waits for one of them to end. */
type Gate = { underWay: number; waiting: (() => void)[] };

/** One for each account with a call under way: whoever speaks for the account in this process shares it. */
const gates = new Map<string, Gate>();

/**
 * Does `work` as soon as fewer than `concurrency` calls of the account are under way; those who wait are served in
 * turn. Who has waited for `patienceMs` is turned away: undefined, and `work` is never begun.
 */
export async function inTurn<T>(
  account: string,
  concurrency: number,
  patienceMs: number,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const gate = gates.get(account) ?? { underWay: 0, waiting: [] };
  gates.set(account, gate);
  if (gate.underWay < concurrency) gate.underWay++;
  else if (!(await handedOver(gate, patienceMs))) return undefined;
  try {
    return await work();
  } finally {
    const next = gate.waiting.shift();
    if (next) next();
    else if (--gate.underWay === 0) gates.delete(account);
  }
}

/** Whether a call that ended has left its place to this one in time. */
const handedOver = (gate: Gate, patienceMs: number): Promise<boolean> =>
  new Promise(resolve => {
    const takeOver = () => {
      clearTimeout(timer);
      resolve(true);
    };
    const timer = setTimeout(() => {
      gate.waiting.splice(gate.waiting.indexOf(takeOver), 1);
      resolve(false);
    }, patienceMs);
    gate.waiting.push(takeOver);
  });

/** However long the carrier asks for, it is asked again after an hour. */
const retryAfterMsMax = 3_600_000;

/** `Retry-After` in milliseconds from now: seconds or an HTTP date (RFC 9110, 10.2.3). */
export function readRetryAfter(header: string | null): number | undefined {
  if (!header || !/^\d+$|GMT$/.test(header)) return undefined;
  const ms = header.endsWith('GMT') ? Date.parse(header) - Date.now() : Number(header) * 1000;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), retryAfterMsMax);
}

/**
 * How long to wait after so many attempts: it doubles from `retryMs`, is no less than the carrier asks for, and is
 * spread, so that those who were turned away together do not come back together.
 */
export function backOffMs(attempts: number, retryMs: number, asked: number | undefined): number {
  const ours = retryMs * 2 ** (attempts - 1);
  return Math.max(ours, asked ?? 0) + Math.random() * ours;
}
