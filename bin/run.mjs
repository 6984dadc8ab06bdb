// Runs one of the project's TypeScript files on the Node that the project pins, installing it first when needed.
// This file and linekeeper.mjs are the only ones that must work on an older Node (20 and up).
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const nodeMajorMin = 26;

/** npm writes its hidden lockfile last, so it is there and newer than ours only after a complete install. */
function installed() {
  const mark = join(root, 'node_modules', '.package-lock.json');
  return existsSync(mark) && statSync(mark).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

function install() {
  console.error('Installing what Linekeeper needs (once) …');
  // npm's own engine warnings speak of the Node that runs npm, which is not the one that runs Linekeeper.
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const { npm_execpath: npm } = process.env;
  const options = { cwd: root, stdio: ['ignore', 2, 2] };
  const result = npm ? spawnSync(process.execPath, [npm, ...args], options) : spawnSync('npm', args, options);
  if (result.status !== 0) {
    console.error('The installation failed: what npm said stands above.');
    process.exit(1);
  }
}

/** The pinned Node comes as a package for each platform; elsewhere the machine's own serves if it is new enough. */
function nodeBinary() {
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
  try {
    const require = createRequire(import.meta.url);
    const manifest = require.resolve(`${prefix}-${process.platform}-${process.arch}/package.json`);
    const binary = join(dirname(manifest), 'bin', 'node');
    // A package for another C library is there and yet does not run.
    if (binary === process.execPath || spawnSync(binary, ['--version']).status === 0) return binary;
  } catch {
    // No package for this platform, or left out by --omit=optional.
  }
  if (Number.parseInt(process.versions.node, 10) >= nodeMajorMin) return process.execPath;
  console.error(
    `Linekeeper runs on Node ${nodeMajorMin}; npm has none for this machine, and its own is ${process.version}.`,
  );
  process.exit(1);
}

/** Runs `script` (a path from the project's root) with `args` until it ends, and ends as it did. */
export async function run(script, args) {
  if (!installed()) install();
  const file = join(root, script);
  const binary = nodeBinary();
  // TypeScript is stripped and compiled once, not at each start: a quarter of the start's work, a tenth of the memory.
  const cache = join(root, 'node_modules', '.cache', 'compiled');
  if (binary === process.execPath) {
    module.enableCompileCache(cache);
    process.argv = [process.execPath, file, ...args];
    await import(pathToFileURL(file).href);
    return;
  }
  // The channel is there to be closed: a child that loses it knows that this process is gone, even by SIGKILL.
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

if (process.argv[1] === fileURLToPath(import.meta.url)) await run(process.argv[2], process.argv.slice(3));
