// Runs one of the project's TypeScript files on the Node that the project pins:
//   node bin/run.mjs [--install[=dev]] SCRIPT [ARGUMENTS]
// `npm start` and `npm test` install missing packages first; everything else says what to type.
import { spawn, spawnSync } from 'node:child_process';
import module, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { install, installArguments, missingPackages, readThere, readWanted } from './packages.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const nodeMajorMin = 26;

/** Installs missing packages if it may. Otherwise it says what to type, and exits. */
function ensurePackages(mayInstall, withDev) {
  const wanted = readWanted(root);
  if (!wanted) return;
  const there = readThere(root);
  const missing = missingPackages(wanted, there ?? {}, withDev);
  if (missing.length === 0) return;
  const args = installArguments(there, { withDev, withOptional: withDev });
  if (mayInstall) return install(root, args);
  fail(`Packages are missing or outdated. In ${root}, type: npm ${args.join(' ')}`);
}

/** The pinned Node, which comes as a package for each platform, or the machine's own if that is new enough. */
function nodeBinary() {
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
  const name = `${prefix}-${process.platform}-${process.arch}`;
  const binary = pinnedNode(name);
  // A package for another C library is installed but does not run.
  const runs = binary && (binary === process.execPath || spawnSync(binary, ['--version']).status === 0);
  if (runs) return binary;
  if (Number.parseInt(process.versions.node, 10) >= nodeMajorMin) return process.execPath;
  const withNode = installArguments(readThere(root), { withOptional: true });
  const leftOut = readWanted(root)?.[`node_modules/${name}`] !== undefined;
  const why = binary
    ? `the one in node_modules/${name} does not run on this machine: use Node ${nodeMajorMin}`
    : leftOut
      ? `the one that npm brings was left out: type npm ${withNode.join(' ')}, or use Node ${nodeMajorMin}`
      : `npm has none for this machine (${process.platform} ${process.arch}): use Node ${nodeMajorMin}`;
  fail(`Linekeeper runs on Node ${nodeMajorMin}. This is ${process.version}, and ${why}`);
}

function pinnedNode(name) {
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    return join(dirname(manifest), 'bin', 'node');
  } catch {
    return undefined;
  }
}

function fail(message) {
  console.error(`error: ${message}`);
  process.exit(1);
}

/**
 * Runs `script` (a path from the project's root) with `args` until it ends, and ends as it did.
 *
 * @param {{ mayInstall?: boolean, withDev?: boolean }} options whether missing packages are installed, and whether those
 *   for development are needed
 */
export async function run(script, args, { mayInstall = false, withDev = false } = {}) {
  ensurePackages(mayInstall, withDev);
  const file = join(root, script);
  const binary = nodeBinary();
  // Strips and compiles TypeScript once instead of at each start. That saves a quarter of the start's work, and 25 MB or
  // more, since the code that strips types stays in memory.
  const cache = join(root, 'node_modules', '.cache', 'compiled');
  if (binary === process.execPath) {
    module.enableCompileCache(cache);
    process.argv = [process.execPath, file, ...args];
    await import(pathToFileURL(file).href);
    return;
  }
  // A child that loses the channel knows that this process is gone, even after SIGKILL.
  const child = spawn(binary, [file, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { NODE_COMPILE_CACHE: cache, ...process.env },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    if (signal) process.removeAllListeners(signal);
    if (signal) process.kill(process.pid, signal);
    else process.exit(code ?? 1);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [first = '', ...rest] = process.argv.slice(2);
  const mayInstall = first === '--install' || first === '--install=dev';
  const [script, ...args] = mayInstall ? rest : [first, ...rest];
  await run(script, args, { mayInstall, withDev: first === '--install=dev' });
}
