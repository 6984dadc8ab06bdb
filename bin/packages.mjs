// The packages in node_modules against those in package-lock.json. Must run on Node 20, like everything in bin/.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @typedef {Record<string, { version?: string, dev?: boolean, optional?: boolean }>} Packages by folder */

/**
 * The packages that an installation still needs. The versions decide, not the age of a file: a checkout makes
 * package-lock.json newer without changing a word of it.
 *
 * An optional package may be absent: it is for another platform, or was left out with --omit=optional.
 *
 * @param {Packages} wanted those in package-lock.json
 * @param {Packages} there those in node_modules
 * @param {boolean} withDev whether packages for development count
 */
export function missingPackages(wanted, there, withDev) {
  return Object.keys(wanted).filter(folder => {
    const { version, dev, optional } = wanted[folder];
    if (folder === '' || (dev && !withDev) || (optional && !there[folder])) return false;
    return there[folder]?.version !== version;
  });
}

/**
 * The arguments with which npm installs what is missing. A later installation leaves out what the one before left out,
 * unless it is needed now.
 *
 * @param {Packages | undefined} there undefined before the first installation
 */
export function installArguments(there, { withDev = false, withOptional = false } = {}) {
  const has = kind => there !== undefined && Object.values(there).some(each => each[kind]);
  const dev = withDev || has('dev');
  const optional = withOptional || there === undefined || has('optional');
  return ['ci', `--${dev ? 'include' : 'omit'}=dev`, `--${optional ? 'include' : 'omit'}=optional`];
}

/** What package-lock.json wants; undefined where there is none, as in a published package. */
export const readWanted = root => readPackages(join(root, 'package-lock.json'));

/** What is in node_modules. npm writes this file last, so an installation that was cut short has none. */
export const readThere = root => readPackages(join(root, 'node_modules', '.package-lock.json'));

/** @returns {Packages | undefined} */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Runs npm. It exits if npm fails. */
export function install(root, args) {
  console.error('Installing what Linekeeper needs (once) …');
  // npm warns about engines for the Node that runs npm, which is not the one that runs Linekeeper.
  const all = [...args, '--no-audit', '--no-fund', '--loglevel=error'];
  const { npm_execpath: npm } = process.env;
  const options = { cwd: root, stdio: ['ignore', 2, 2] };
  const { status } = npm
    ? spawnSync(process.execPath, [npm, ...all], options)
    : spawnSync('npm', all, options);
  if (status === 0) return;
  console.error('The installation failed: npm has said why above.');
  process.exit(1);
}
