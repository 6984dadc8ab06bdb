import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { startTestServer, type TestServer } from '../../server/testing/server.ts';

export type Outcome = { code: number | null; stdout: string; stderr: string };

const script = join(import.meta.dirname, '..', '..', 'bin', 'linekeeper.mjs');

/** Starts the real command line with this environment and hardly any other. */
export function start(args: string[], env: NodeJS.ProcessEnv = {}) {
  const { PATH, HOME } = process.env;
  return spawn(process.execPath, [script, ...args], { env: { PATH, HOME, ...env } });
}

/** Runs the real command line to its end. */
export async function linekeeper(
  args: string[],
  env: NodeJS.ProcessEnv = {},
  input: string | Buffer = '',
): Promise<Outcome> {
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

/** A server for the tests of one file, and the command line that calls it with an admin key of its tenant. */
export class CommandLine {
  server!: TestServer;
  env: NodeJS.ProcessEnv = {};

  /** @param prepare what the tests need first; a `before` of their own would not wait for the server */
  constructor(prepare?: (server: TestServer) => Promise<void>, startServer = () => startTestServer()) {
    before(async () => {
      this.server = await startServer();
      this.env = { LINEKEEPER_URL: this.server.url, LINEKEEPER_API_KEY: this.server.key };
      await prepare?.(this.server);
    });
    after(() => this.server.stop());
  }

  /** Runs a command with these arguments. */
  run = (...args: string[]): Promise<Outcome> => linekeeper(args, this.env);

  /** The document that a command prints with --json. The command must succeed and say nothing else. */
  json = async (...args: string[]) => {
    const { code, stdout, stderr } = await this.run(...args, '--json');
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    return JSON.parse(stdout);
  };
}
