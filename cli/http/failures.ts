import { describe, exitCodes, Failure, TemporaryFailure } from '../terminal/failure.ts';
import { serverUrl } from './environment.ts';

/* What a command says when a call fails: a headline without a full stop, and under it what the user can do. */

type ErrorBody = { error?: unknown; detail?: unknown; code?: unknown; request_id?: unknown };

/** What to do about an error, by its code, where a command of ours does it. */
const advice: Record<string, string> = {
  api_key_invalid: 'Check LINEKEEPER_API_KEY.',
  purchases_not_enabled:
    'With an admin key of the tenant: `linekeeper settings edit --purchases on --carrier-account <id>`.',
  carrier_account_missing: 'Choose one: `linekeeper settings edit --carrier-account <id>`.',
};

/** The server answered, and did not do what it was asked. */
export function refusal({ status, headers }: Response, text: string): Failure {
  if (status >= 300 && status < 400)
    return new Failure(`${serverUrl()} redirects to ${headers.get('location')}: set LINEKEEPER_URL to that`);
  const body = parseJson<ErrorBody | null>(text);
  if (typeof body?.error !== 'string') return notLinekeeper(status);
  // The command says it better than the detail does, which names the call.
  const lines = [body.error, advice[String(body.code)] ?? body.detail];
  if (body.request_id) lines.push(`request_id ${body.request_id}`);
  return failureOf(status, lines.filter(Boolean).join('\n'), text);
}

export const notLinekeeper = (status: number): Failure =>
  failureOf(
    status,
    `The answer of ${serverUrl()} (${status}) is not one of Linekeeper's: check LINEKEEPER_URL`,
  );

function failureOf(status: number, message: string, body?: string): Failure {
  const Kind = status >= 500 ? TemporaryFailure : Failure;
  return new Kind(message, exitCodes.failed, body);
}

/** Waits for the server. A connection that fails becomes a Failure that says what to do. */
export async function orConnectionFailure<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const cause = (error as Error).cause ?? error;
    if (cause instanceof Failure) throw cause;
    throw connectionFailure(cause);
  }
}

const lost = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'];

function connectionFailure(cause: unknown): Failure {
  const reason = describe(cause);
  if (lost.includes((cause as { code?: string }).code ?? ''))
    return new TemporaryFailure(
      `The connection to ${serverUrl()} was lost before the answer was complete (${reason})\nThe server may have done what you asked: look before you repeat it.`,
    );
  return new TemporaryFailure(
    `No server answers at ${serverUrl()} (${reason})\nStart one with \`linekeeper serve\`, or set LINEKEEPER_URL to its address.`,
    exitCodes.unreachable,
  );
}

/** @returns undefined if the text is not JSON */
export function parseJson<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
