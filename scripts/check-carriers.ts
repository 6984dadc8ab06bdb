// `npm run check:carriers -- SPECS_DIR`: the contract suites of the carriers once more, with everything that clients and
// fakes say to each other held to the carriers' published descriptions. These are files of others and stay where they
// are; docs/adding-a-carrier.md has their names.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type ProxySettings, proxyVariable } from '../carriers/testing/fake.ts';
import {
  type Counts,
  fetchPrism,
  freePort,
  type Spec,
  type SpecProxy,
  startSpecProxy,
} from '../carriers/testing/spec-proxy.ts';

/** By carrier, the description of each of its APIs, by the name that the carrier's settings have for it. */
const described: Record<string, Record<string, string>> = {
  twilio: { api: 'twilio-numbers.json', messaging: 'twilio-messaging-services.json' },
  telnyx: { api: 'telnyx-numbers.json' },
};

const [directory] = process.argv.slice(2);
if (!directory) {
  console.error('Where are the descriptions? npm run check:carriers -- SPECS_DIR');
  process.exit(1);
}

const scratch = await mkdtemp(join(tmpdir(), 'lk-specs-'));
let wrong = 0;
try {
  const prism = fetchPrism(scratch);
  for (const [carrier, files] of Object.entries(described)) wrong += await check(prism, carrier, files);
} finally {
  await rm(scratch, { recursive: true, force: true });
}
console.log(
  '\nLeft out: answers that are torn or never come. What is broken on purpose is no answer of the carrier.',
);
console.log(wrong === 0 ? 'No violations.' : `Wrong: ${wrong}`);
process.exitCode = wrong === 0 ? 0 : 1;

/** @returns how much is wrong: violations, descriptions that nothing came under, and a suite that does not pass */
async function check(prism: string, carrier: string, files: Record<string, string>): Promise<number> {
  const port = await freePort();
  const proxies = new Map<string, SpecProxy>();
  try {
    for (const [api, file] of Object.entries(files)) {
      const spec = await readSpec(file);
      const corrected = join(scratch, file);
      await writeFile(corrected, JSON.stringify(spec));
      proxies.set(api, await startSpecProxy(prism, corrected, spec, `http://127.0.0.1:${port}`));
    }
    const urls = Object.fromEntries([...proxies].map(([api, proxy]) => [api, proxy.url]));
    const passed = await runSuite(carrier, { port, urls });
    const violations = [...proxies].map(([api, { findings }]) => print(files[api]!, findings));
    return violations.reduce((sum, more) => sum + more, passed ? 0 : 1);
  } finally {
    for (const proxy of proxies.values()) proxy.stop();
  }
}

async function readSpec(file: string): Promise<Spec> {
  return JSON.parse(await readFile(join(directory!, file), 'utf8'), correct);
}

/**
 * The one thing that is read otherwise than it stands there: Twilio's description says of its links (`uri`,
 * `next_page_uri`) that they are whole URIs, and in its own examples, as on the wire, they have no host.
 */
function correct(name: string, schema: unknown): unknown {
  const isLink = /(^|_)uri$/.test(name) && (schema as { format?: string } | null)?.format === 'uri';
  return isLink ? { ...(schema as object), format: 'uri-reference' } : schema;
}

/** Beside the proxies, which live in this process. */
async function runSuite(carrier: string, proxy: ProxySettings): Promise<boolean> {
  console.log(`\n── ${carrier}`);
  const file = join(import.meta.dirname, '..', 'carriers', carrier, `${carrier}.test.ts`);
  const args = ['--test', '--test-name-pattern=keeps the carrier contract', '--test-reporter=spec', file];
  const env = { ...process.env, [proxyVariable]: JSON.stringify(proxy) };
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  console.log(code === 0 ? said.match(/(?<=ℹ )(tests|pass|fail|skipped) \d+/g)?.join(', ') : said);
  return code === 0;
}

function print(file: string, { calls, undescribed, violations }: SpecProxy['findings']): number {
  console.log(`\n${file}`);
  table('', calls);
  table('an error that the description does not have: ', undescribed);
  table('VIOLATION: ', violations);
  if (calls.size === 0) console.log('VIOLATION: nothing was called');
  return calls.size === 0 ? 1 : violations.size;
}

function table(title: string, counts: Counts): void {
  for (const [what, times] of [...counts].sort())
    console.log(`${String(times).padStart(6)} × ${title}${what}`);
}
