import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';

/** The part of an OpenAPI description that is read here. Prism reads the rest. */
export type Spec = { paths: Record<string, Record<string, unknown>> };

/** How often something occurred. */
export type Counts = Map<string, number>;

/** The traffic through a proxy. */
export type Findings = {
  /** By operation, such as `GET /phone_numbers/{id}`. */
  calls: Counts;
  /** By operation and status: errors that the description does not have, so nothing checks their bodies. */
  undescribed: Counts;
  violations: Counts;
};

export type SpecProxy = { url: string; findings: Findings; stop(): void };

const count = (counts: Counts, what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);

/**
 * The path of Prism. npm fetches it into its own cache if needed. It is no dependency because it is larger than all of
 * Linekeeper's dependencies together.
 */
export function fetchPrism(directory: string): string {
  const args = ['exec', '--yes', '--package=@stoplight/prism-cli@5.14.2', '-c', 'command -v prism'];
  // Elsewhere, so that npm neither reads nor writes files of this project.
  const { status, stdout } = spawnSync('npm', args, {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const path = stdout?.trim().split('\n').at(-1);
  if (status !== 0 || !path) throw new Error('npm could not fetch @stoplight/prism-cli');
  return path;
}

/**
 * A proxy that holds every request and every answer to the description, and collects the violations. Clients talk to us,
 * we talk to Prism, and Prism talks to the server. Prism replaces a wrong answer with an error of its own.
 */
export async function startSpecProxy(
  prism: string,
  specFile: string,
  spec: Spec,
  upstream: string,
): Promise<SpecProxy> {
  const port = await freePort();
  const args = [prism, 'proxy', specFile, upstream, '--errors', '--port', String(port), '--no-multiprocess'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await listening(child);
  const findings: Findings = { calls: new Map(), undescribed: new Map(), violations: new Map() };
  const server = createServer((request, response) => {
    relay(`http://127.0.0.1:${port}`, spec, findings, request, response).catch(error => {
      count(findings.violations, `${request.method} ${request.url}: ${error}`);
      response.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    findings,
    stop() {
      child.kill();
      server.closeAllConnections();
      server.close();
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves when Prism says that it listens, and ignores its output from then on. */
async function listening(child: ChildProcess): Promise<void> {
  const said: string[] = [];
  const lines = createInterface({ input: child.stdout! });
  await new Promise<void>((resolve, reject) => {
    lines.on('line', line => {
      said.push(line);
      if (line.includes('Prism is listening')) resolve();
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`Prism did not start:\n${said.join('\n')}`)));
  });
}

/** Headers of one connection, not of the message. */
const ofTheConnection = ['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive'];

async function relay(
  prism: string,
  spec: Spec,
  findings: Findings,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const operation = operationOf(spec, request);
  count(findings.calls, operation);
  const headers = Object.entries(request.headers).filter(([name]) => !ofTheConnection.includes(name));
  const { method = 'GET' } = request;
  const body = method === 'GET' ? null : await buffer(request);
  const options = { method, headers: headers as [string, string][], body, redirect: 'manual' } as const;
  const answer = await fetch(prism + request.url, options);
  const text = await answer.text();
  note(findings, operation, answer, text);
  const kept = [...answer.headers].filter(([name]) => !ofTheConnection.includes(name));
  // fetch() has decompressed the body.
  response.writeHead(answer.status, Object.fromEntries(kept.filter(([name]) => name !== 'content-encoding')));
  response.end(text);
}

/** The operation in the description's words. If several match, the one with the fewest parameters. */
function operationOf(spec: Spec, { method = '', url = '/' }: IncomingMessage): string {
  const { pathname } = new URL(url, 'http://proxy');
  const fits = (template: string) =>
    new RegExp(`^${template.replaceAll('.', '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`).test(pathname);
  const [path] = Object.keys(spec.paths)
    .filter(template => fits(template) && spec.paths[template]?.[method.toLowerCase()])
    .sort((a, b) => a.split('{').length - b.split('{').length);
  return `${method} ${path ?? `${pathname} (not described)`}`;
}

type Violation = { location: string[]; severity: string; message: string };

type Problem = { type: string; title: string; validation?: Violation[] };

const problems = 'https://stoplight.io/prism/errors#';
const noSuchStatus = 'Unable to match the returned status code';

/** Prism lists the violations of an answer in a header. It answers a wrong request with a problem document. */
function note({ undescribed, violations }: Findings, operation: string, answer: Response, text: string) {
  const listed: Violation[] = JSON.parse(answer.headers.get('sl-violations') ?? '[]');
  for (const { location, severity, message } of listed) {
    // Prism calls a missing status an error, not a warning, if the status means success.
    if (severity === 'Warning' && message.startsWith(noSuchStatus))
      count(undescribed, `${operation} ${answer.status}`);
    else count(violations, `${operation} ${answer.status}: ${location.join('.')}: ${message}`);
  }
  const isProblem = answer.headers.get('content-type')?.startsWith('application/problem+json');
  if (listed.length > 0 || !isProblem) return;
  const { type, title, validation = [] }: Problem = JSON.parse(text);
  if (!type.startsWith(problems)) return;
  const what = validation.map(({ location, message }) => `${location.join('.')}: ${message}`).join('; ');
  count(violations, `${operation}: ${title}${what && `: ${what}`}`);
}
