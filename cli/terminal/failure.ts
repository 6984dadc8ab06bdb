/** What the process ends with; `linekeeper --help` says the same to its users. */
export const exitCodes = { done: 0, failed: 1, usage: 2, unreachable: 3, rowsRejected: 4 } as const;

/** A failure that is told in one sentence: it has an exit code, and never a stack. */
export class Failure extends Error {
  readonly exitCode: number;
  /** The error as the server sent it, for those who asked for JSON. */
  readonly body: string | undefined;

  constructor(message: string, exitCode: number = exitCodes.failed, body?: string) {
    super(message);
    this.exitCode = exitCode;
    this.body = body;
  }
}

/** A failure that may be over when the same is asked again: no connection, or a server that cannot serve now. */
export class PassingFailure extends Failure {}

export const wrongUsage = (message: string): Failure => new Failure(message, exitCodes.usage);

/** What went wrong, in words: some errors of Node carry theirs only inside. */
export function describe(error: unknown): string {
  if (error instanceof AggregateError && !error.message) return describe(error.errors[0]);
  const { message, code } = error as { message?: string; code?: string };
  return message || code || String(error);
}
