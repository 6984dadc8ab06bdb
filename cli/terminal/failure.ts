/** The exit codes of the process. `linekeeper --help` explains them to users. */
export const exitCodes = { done: 0, failed: 1, usage: 2, unreachable: 3, rowsRejected: 4 } as const;

/** A failure that one sentence explains. It has an exit code, and its stack is never shown. */
export class Failure extends Error {
  readonly exitCode: number;
  /** The error body of the server, printed with --json. */
  readonly body: string | undefined;

  constructor(message: string, exitCode: number = exitCodes.failed, body?: string) {
    super(message);
    this.exitCode = exitCode;
    this.body = body;
  }
}

/** A failure that a later attempt may not meet: no connection, or a server that cannot serve now. */
export class TemporaryFailure extends Failure {}

export const wrongUsage = (message: string): Failure => new Failure(message, exitCodes.usage);

/** An error in words. Some of Node's errors carry the words only inside. */
export function describe(error: unknown): string {
  if (error instanceof AggregateError && !error.message) return describe(error.errors[0]);
  const { message, code } = error as { message?: string; code?: string };
  return message || code || String(error);
}
