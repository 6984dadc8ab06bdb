import { spawn } from 'node:child_process';
import { join } from 'node:path';

export type Outcome = { code: number | null; stdout: string; stderr: string };

const script = join(import.meta.dirname, '..', '..', 'bin', 'linekeeper.mjs');

/** Starts the real command line with this environment and hardly any other. */
export function start(args: string[], env: NodeJS.ProcessEnv = {}) {
  const { PATH, HOME } = process.env;
  return spawn(process.execPath, [script, ...args], { env: { PATH, HOME, ...env } });
}

/** Runs the real command line to its end. */
export async function linekeeper(args: string[], env: NodeJS.ProcessEnv = {}, input = ''): Promise<Outcome> {
  const child = start(args, env);
  // A command that refuses its input does not read it.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const outcome: Outcome = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', text => {
    outcome.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', text => {
    outcome.stderr += text;
  });
  outcome.code = await new Promise(resolve => child.on('close', resolve));
  return outcome;
}
