import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Fault } from '../sandbox/store.ts';
import { holdTimeOuts, runOutOfTime } from './time-outs.ts';

/**
 * The calls that faults hit. `edit` is a change outside the contract, such as the withdrawal of an order; only a
 * carrier's own tests set faults on it.
 */
type Call = Fault['call'] | 'edit';

type WireFault = Omit<Fault, 'call'> & { call: Call };

/** A request to a fake. */
export type FakeRequest = {
  method: string;
  /** Decoded, without the query. */
  path: string;
  /** The parts of the path where the route has `:name`, by name. */
  params: Record<string, string>;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** A body of application/x-www-form-urlencoded; empty for any other. */
  form: URLSearchParams;
  /** A body of application/json; undefined for any other. */
  json: unknown;
};

/** An answer. Some have no body, such as a 204. */
export type FakeResponse = { status: number; body?: unknown; headers?: Record<string, string> };

export type Route = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** For example `/numbers/:id.json`: `:name` is a part of the path up to the next slash or dot. */
  path: string;
  /** The call whose faults hit the route. A route that serves several calls decides by the request. */
  call: Call | ((asked: FakeRequest) => Call);
  /** The answer under the fault `not_found`, if that is no error: a search answers with an empty list. */
  notFound?: FakeResponse;
  answer(asked: FakeRequest): FakeResponse;
};

/** A carrier's API as its fake speaks it. The fake keeps its state itself. */
export type Wire = {
  routes: Route[];
  /** Whether the credentials are right. */
  admits(asked: FakeRequest): boolean;
  /**
   * The carrier's answers for the faults that it has answers for. `not_found` also answers an unknown path,
   * `authentication_failed` answers wrong credentials, and `error` is a 500.
   */
  errors: Partial<Record<Fault['kind'], FakeResponse>> &
    Record<'not_found' | 'authentication_failed' | 'error', FakeResponse>;
  /** The body of a complete list with nothing, or with half of the items, in it. */
  shorten(body: unknown, to: 'nothing' | 'half'): unknown;
  /** Matches ids of numbers, with the flag `g`. Under the fault `other_number` they change too. */
  ids?: RegExp;
};

export type Fake = {
  /** The URL of an API, by its name in `ConnectOptions.urls`. One fake can serve several APIs. */
  url(api: string): string;
  /** All requests, the oldest first. */
  asked: FakeRequest[];
  /** @returns whether the carrier can have this fault */
  fault(fault: WireFault): boolean;
  /** Removes all remaining faults. */
  calm(): void;
  /** By call, a test's own answer. The fake then does nothing else. */
  instead: Partial<Record<Call, FakeResponse>>;
};

/** For `npm run check:carriers`: a fake listens on `port`, and its clients use the proxy's `urls` instead. */
export type ProxySettings = { port: number; urls: Record<string, string> };

export const proxyVariable = 'LINEKEEPER_CHECK_PROXY';

/** Faults that no proxy passes on, since it insists on complete and documented answers. */
const brokenOnPurpose: Fault['kind'][] = ['timeout_before', 'timeout_after', 'hang', 'torn'];

/** Faults that need no answer of their own from the carrier. */
const anyCarrierHas: Fault['kind'][] = [
  ...brokenOnPurpose,
  'error_before',
  'error_after',
  'other_number',
  'empty',
  'cut',
];

/**
 * Starts a carrier's HTTP server on the loopback. It stops with the test. It alone says when its clients run out of time:
 * when it hangs.
 */
export async function startFake(t: { after(done: () => unknown): void }, wire: Wire): Promise<Fake> {
  holdTimeOuts();
  const variable = process.env[proxyVariable];
  const proxy: ProxySettings | undefined = variable && JSON.parse(variable);
  const asked: FakeRequest[] = [];
  const faults: WireFault[] = [];
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
    server.listen(proxy?.port ?? 0, '127.0.0.1', listening);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: api => proxy?.urls[api] ?? `http://127.0.0.1:${port}`,
    asked,
    fault(fault) {
      if (!canHave(wire, fault) || (proxy && brokenOnPurpose.includes(fault.kind))) return false;
      faults.push({ ...fault });
      return true;
    },
    calm: () => faults.splice(0),
    instead,
  };
}

/** The calls that a fault can hit. A fault that is not here can hit every call. */
const callsOf: Partial<Record<Fault['kind'], Call[]>> = {
  unavailable: ['buy'],
  out_of_funds: ['buy'],
  needs_compliance: ['buy'],
  not_found: ['find', 'release', 'attach'],
  // After a 503, a change may have been made.
  transient: ['check', 'search', 'find', 'list'],
  empty: ['list'],
  cut: ['list'],
};

function canHave(wire: Wire, { call, kind }: WireFault): boolean {
  if (callsOf[kind] && !callsOf[kind].includes(call)) return false;
  return anyCarrierHas.includes(kind) || wire.errors[kind] !== undefined;
}

async function serve(
  wire: Wire,
  state: Pick<Fake, 'asked' | 'instead'> & { faults: WireFault[] },
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
  const kind = nextFault(state.faults, call);
  if (kind === 'timeout_before') return void response.destroy();
  const refusal = refusalFor(wire, route, kind);
  if (refusal) return send(response, kind === 'rate_limited' ? withoutDelay(refusal) : refusal);
  if (kind === 'hang') return runOutOfTime();

  const answer = route.answer(asked);
  if (kind === 'timeout_after') return void response.destroy();
  if (kind === 'torn') return tear(response, answer);
  if (kind === 'error_after') return send(response, wire.errors.error);
  if (kind === 'empty') return send(response, { ...answer, body: wire.shorten(answer.body, 'nothing') });
  if (kind === 'cut') return send(response, { ...answer, body: wire.shorten(answer.body, 'half') });
  if (kind === 'other_number')
    return send(response, { ...answer, body: aboutOtherNumbers(wire, call, answer.body) });
  send(response, answer);
}

function refusalFor(wire: Wire, route: Route, kind: Fault['kind'] | undefined): FakeResponse | undefined {
  if (kind === 'error_before') return wire.errors.error;
  if (kind === 'not_found' && route.notFound) return route.notFound;
  return kind && wire.errors[kind];
}

async function read(request: IncomingMessage): Promise<FakeRequest> {
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

/** Whether the route matches. Sets `params` if it does. */
function matches(route: Route, asked: FakeRequest): boolean {
  const pattern = route.path.replaceAll('.', '\\.').replace(/:(\w+)/g, '(?<$1>[^/.]+)');
  const match = asked.method === route.method && new RegExp(`^${pattern}$`).exec(asked.path);
  if (match) asked.params = { ...match.groups };
  return match !== false && match !== null;
}

/** The next fault of the call; uses one of its `times`. */
function nextFault(faults: WireFault[], call: Call): Fault['kind'] | undefined {
  const index = faults.findIndex(fault => fault.call === call);
  const fault = faults[index];
  if (!fault) return undefined;
  if (--fault.times <= 0) faults.splice(index, 1);
  return fault.kind;
}

/** Lets the client retry at once, so that no test has to wait. */
const withoutDelay = (answer: FakeResponse): FakeResponse => ({
  ...answer,
  headers: { ...answer.headers, 'retry-after': '0' },
});

function send(response: ServerResponse, { status, body, headers }: FakeResponse): void {
  if (body === undefined) response.writeHead(status, headers).end();
  else
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** Sends half of the answer and closes the connection. An answer without a body is torn as an empty object. */
function tear(response: ServerResponse, { status, body }: FakeResponse): void {
  const whole = JSON.stringify(body ?? {});
  response.writeHead(status === 204 ? 200 : status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(whole),
  });
  response.write(whole.slice(0, whole.length / 2), () => response.destroy());
}

/** The same answer about other numbers. In an answer to a search they have another area code. */
function aboutOtherNumbers(wire: Wire, call: Call, body: unknown): unknown {
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
