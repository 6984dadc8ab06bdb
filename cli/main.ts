import { CommanderError } from 'commander';
import { createProgram } from './program.ts';
import { describe, exitCodes, Failure } from './terminal/failure.ts';
import { note } from './terminal/output.ts';
import { escapeControls } from './terminal/text.ts';

// A reader that closes its end has seen enough: `| head`.
process.stdout.on('error', endQuietly);
process.stderr.on('error', endQuietly);

function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? exitCodes.done);
  throw error;
}

let json = false;

try {
  const program = createProgram().hook('preAction', (_, action) => {
    json = action.opts().json === true;
  });
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Says on stderr what went wrong. @returns the exit code */
function report(error: unknown): number {
  // Commander has printed its own errors, and --help and --version end as errors too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (json && error instanceof Failure && error.body) note(error.body);
  else note(`error: ${describe(error).split('\n').map(escapeControls).join('\n       ')}`);
  if (error instanceof Failure) return error.exitCode;
  if (/^(debug|trace)$/.test(process.env.LOG_LEVEL ?? '')) note((error as Error).stack ?? '');
  return exitCodes.failed;
}
