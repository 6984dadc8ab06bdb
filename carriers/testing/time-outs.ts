import { mock } from 'node:test';

/** For clients whose calls are to succeed however slow the machine is: no time-out, and hardly a pause. */
export const unhurried = { timeoutMs: 3_600_000, retryMs: 1 };

/** `AbortSignal.timeout`, by the name that a test's mocked timers have for it; their types do not know it yet. */
export const timeOuts = 'AbortSignal.timeout' as 'setTimeout';

let held = false;

/** From now on a time-out of this process runs out when it is told to, never by the clock. */
export function holdTimeOuts(): void {
  if (!held) mock.timers.enable({ apis: [timeOuts] });
  held = true;
}

/** Lets everything run out of time that waits for an answer now. */
export const runOutOfTime = (): void => mock.timers.tick(unhurried.timeoutMs);
