import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Fault } from '../sandbox/store.ts';
import { holdTimeOuts, runOutOfTime } from './time-outs.ts';

/** What a client has asked of a fake. */
export type Asked = {
  method: string;
  /** Decoded, without the query. */
  path: string;
  /** By name, what stood in the path where the route has `:name`. */
  params: Record<string, string>;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** Of an application/x-www-form-urlencoded body; empty for any other. */
  form: URLSearchParams;
  /** Of an application/json body; undefined for any other. */
  json: unknown;
};

/** Without a body: an answer without one, such as a 204. */
export type Answer = { status: number; body?: unknown; headers?: Record<string, string> };

export type Route = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** As `/numbers/:id.json`; `:name` is one part of the path, up to the next slash or dot. */
  path: string;
  /** The faults that befall it; where it serves several, by what is asked. */
  call: Fault['call'] | ((asked: Asked) => Fault['call']);
  /** How it says that there is no such thing, where that is not an error: a list with nothing in it. */
  notFound?: Answer;
  answer(asked: Asked): Answer;
};

/** One carrier's wire, as its fake speaks it. What it remembers is its own matter. */
export type Wire = {
  routes: Route[];
  /** Whether the credentials are right. */
  admits(asked: Asked): boolean;
  /**
   * How the carrier says what the faults are called; what it has no words for is left out. `not_found` is the answer to
   * a path that does not exist too, `authentication_failed` to credentials that are not right, and `error` is a 500.
   */
  errors: Partial<Record<Fault['kind'], Answer>> &
    Record<'not_found' | 'authentication_failed' | 'error', Answer>;
  /** The body of a list as if that were all of it: with nothing in it, or with half of what is in it. */
  shorten(body: unknown, to: 'nothing' | 'half'): unknown;
  /** What ids of numbers look like, with `g`: an answer about another number has another id too. */
  ids?: RegExp;
};

export type Fake = {
  /** Where it is, by the name that the carrier's settings have for this API (several may lie in one fake). */
  url(api: string): string;
  /** Everything that was asked, the first first. */
  asked: Asked[];
  /** @returns whether this can go wrong here at all */
  fault(fault: Fault): boolean;
  /** Takes away what is left of the faults. */
  calm(): void;
  /** What is answered, by call, in place of what the fake would do and say: the words of a test. */
  instead: Partial<Record<Fault['call'], Answer>>;
};

/**
 * How `npm run check:carriers` puts itself between: the port that a fake has to listen on, and where its clients find
 * it instead.
 */
export type Between = { port: number; urls: Record<string, string> };

export const betweenVariable = 'LINEKEEPER_CHECK_BETWEEN';

/** What cannot be told through a proxy that insists on whole and documented answers. */
const brokenOnPurpose: Fault['kind'][] = ['timeout_before', 'timeout_after', 'hang', 'torn'];

/** What can go wrong without a word from the carrier, or in words that it has for something else. */
const onEveryWire: Fault['kind'][] = [
  ...brokenOnPurpose,
  'error_before',
  'error_after',
  'other_number',
  'empty',
  'cut',
];

/**
 * A carrier's HTTP server on the loopback, for as long as a test takes. It alone says when its clients run out of time:
 * when it hangs.
 */
export async function startFake(t: { after(done: () => unknown): void }, wire: Wire): Promise<Fake> {
  holdTimeOuts();
  const variable = process.env[betweenVariable];
  const between: Between | undefined = variable && JSON.parse(variable);
  const asked: Asked[] = [];
  const faults: Fault[] = [];
  const instead: Fake['instead'] = {};
  const server = createServer((request, response) => {
    serve(wire, { asked, faults, instead }, request, response).catch(error => {
      console.error(error);
      response.destroy();
    });
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(between?.port ?? 0, '127.0.0.1', listening);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: api => between?.urls[api] ?? `http://127.0.0.1:${port}`,
    asked,
    fault(fault) {
      if (!canGoWrong(wire, fault) || (between && brokenOnPurpose.includes(fault.kind))) return false;
      faults.push({ ...fault });
      return true;
    },
    calm: () => faults.splice(0),
    instead,
  };
}

/** Which calls a refusal means something for; those that are not here are for every call. */
const callsOf: Partial<Record<Fault['kind'], Fault['call'][]>> = {
  unavailable: ['buy'],
  out_of_funds: ['buy'],
  needs_compliance: ['buy'],
  not_found: ['find', 'edit', 'release', 'attach'],
  // A 503 leaves it open whether a change was made.
  transient: ['check', 'search', 'find', 'list'],
  empty: ['list'],
  cut: ['list'],
};

function canGoWrong(wire: Wire, { call, kind }: Fault): boolean {
  if (callsOf[kind] && !callsOf[kind].includes(call)) return false;
  return onEveryWire.includes(kind) || wire.errors[kind] !== undefined;
}

async function serve(
  wire: Wire,
  state: Pick<Fake, 'asked' | 'instead'> & { faults: Fault[] },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const asked = await read(request);
  state.asked.push(asked);
  if (!wire.admits(asked)) return send(response, wire.errors.authentication_failed);
  const route = wire.routes.find(candidate => matches(candidate, asked));
  if (!route) return send(response, wire.errors.not_found);
  const call = typeof route.call === 'string' ? route.call : route.call(asked);
  if (state.instead[call]) return send(response, state.instead[call]);
  const kind = befalling(state.faults, call);
  if (kind === 'timeout_before') return void response.destroy();
  const refusal = refusalFor(wire, route, kind);
  if (refusal) return send(response, kind === 'rate_limited' ? atOnce(refusal) : refusal);
  if (kind === 'hang') return runOutOfTime();

  const answer = route.answer(asked);
  if (kind === 'timeout_after') return void response.destroy();
  if (kind === 'torn') return tear(response, answer);
  if (kind === 'error_after') return send(response, wire.errors.error);
  if (kind === 'empty') return send(response, { ...answer, body: wire.shorten(answer.body, 'nothing') });
  if (kind === 'cut') return send(response, { ...answer, body: wire.shorten(answer.body, 'half') });
  if (kind === 'other_number')
    return send(response, { ...answer, body: aboutAnother(wire, call, answer.body) });
  send(response, answer);
}

function refusalFor(wire: Wire, route: Route, kind: Fault['kind'] | undefined): Answer | undefined {
  if (kind === 'error_before') return wire.errors.error;
  if (kind === 'not_found' && route.notFound) return route.notFound;
  return kind && wire.errors[kind];
}

async function read(request: IncomingMessage): Promise<Asked> {
  const url = new URL(request.url ?? '/', 'http://fake');
  const body = await text(request);
  const type = request.headers['content-type'] ?? '';
  return {
    method: request.method ?? '',
    path: decodeURIComponent(url.pathname),
    params: {},
    query: url.searchParams,
    headers: request.headers,
    form: new URLSearchParams(type.startsWith('application/x-www-form-urlencoded') ? body : ''),
    json: type.startsWith('application/json') ? JSON.parse(body) : undefined,
  };
}

/** Fills in what stands in the path. */
function matches(route: Route, asked: Asked): boolean {
  const pattern = route.path.replaceAll('.', '\\.').replace(/:(\w+)/g, '(?<$1>[^/.]+)');
  const match = asked.method === route.method && new RegExp(`^${pattern}$`).exec(asked.path);
  if (match) asked.params = { ...match.groups };
  return match !== false && match !== null;
}

/** The fault whose turn it is, used up by one. */
function befalling(faults: Fault[], call: Fault['call']): Fault['kind'] | undefined {
  const index = faults.findIndex(fault => fault.call === call);
  const fault = faults[index];
  if (!fault) return undefined;
  if (--fault.times <= 0) faults.splice(index, 1);
  return fault.kind;
}

/** So that no test has to wait. */
const atOnce = (answer: Answer): Answer => ({
  ...answer,
  headers: { ...answer.headers, 'retry-after': '0' },
});

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  if (body === undefined) response.writeHead(status, headers).end();
  else
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** Half of the answer, and then the connection breaks. What has no body is torn as if it had an empty one. */
function tear(response: ServerResponse, { status, body }: Answer): void {
  const whole = JSON.stringify(body ?? {});
  response.writeHead(status === 204 ? 200 : status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(whole),
  });
  response.write(whole.slice(0, whole.length / 2), () => response.destroy());
}

/** The same answer about other numbers: of another area code in an answer to a search, else of the same. */
function aboutAnother(wire: Wire, call: Fault['call'], body: unknown): unknown {
  if (body === undefined) return undefined;
  const { ids = /(?!)/g } = wire;
  const text = JSON.stringify(body)
    .replace(/"\+1(\d{3})(\d{6})(\d)"/g, (_, areaCode, digits, last) =>
      call === 'search'
        ? `"+1${areaCode === '212' ? '213' : '212'}${digits}${last}"`
        : `"+1${areaCode}${digits}${(Number(last) + 1) % 10}"`,
    )
    .replace(ids, id => `${id.slice(0, -1)}${id.endsWith('a') ? 'b' : 'a'}`);
  return JSON.parse(text);
}
