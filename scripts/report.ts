import { join, relative } from 'node:path';
import type { EventData, TestsStream } from 'node:test';
import { inspect } from 'node:util';

const root = join(import.meta.dirname, '..');
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const shorten = (file: string | undefined) => relative(root, file ?? '');

/** The order of node's own summary. */
const counted = ['tests', 'suites', 'passed', 'failed', 'cancelled', 'skipped', 'todo'] as const;
const words: Partial<Record<string, string>> = { passed: 'pass', failed: 'fail' };

/** A line for each test file, and at the end why what has failed has failed, and how many there were. */
export function createReport() {
  const failures: string[] = [];
  const totals = new Map<string, number>(counted.map(what => [what, 0]));
  let durationMs = 0;

  /**
   * Says of each file that it is done, what its tests have to say, and which were left out.
   * @param where the tests run, for those that fail
   */
  async function follow(where: string, tests: TestsStream): Promise<void> {
    const notes = new Map<string, Set<string>>();
    /** A suite that several files share stands in a file of its own. */
    const note = (data: { file?: string; entryFile?: string }, text: string) => {
      const file = data.entryFile ?? data.file ?? '';
      notes.set(file, (notes.get(file) ?? new Set()).add(text));
    };
    for await (const { type, data } of tests) {
      if (type === 'test:diagnostic' && data.file) note(data, data.message);
      else if (type === 'test:pass' && data.skip) note(data, `left out: ${data.name}${reasonOf(data.skip)}`);
      else if (type === 'test:fail') failures.push(...explain(where, data));
      else if (type === 'test:stdout' || type === 'test:stderr') process.stderr.write(data.message);
      else if (type === 'test:complete' && data.name === data.file) {
        const { passed, duration_ms } = data.details;
        console.log(`${passed ? '✔' : '✖'} ${shorten(data.file)} (${seconds(duration_ms)})`);
        for (const text of notes.get(data.file) ?? []) console.log(`    ${text}`);
      } else if (type === 'test:summary' && !data.file) {
        for (const what of counted) totals.set(what, totals.get(what)! + data.counts[what]);
        durationMs += data.duration_ms;
      }
    }
  }

  /** @returns whether nothing has failed */
  function conclude(): boolean {
    for (const text of failures) console.log(`\n✖ ${text}`);
    console.log('');
    for (const [what, count] of totals) console.log(`ℹ ${words[what] ?? what} ${count}`);
    console.log(`ℹ duration_ms ${durationMs}`);
    return failures.length === 0;
  }

  return { follow, fail: (text: string) => failures.push(text), conclude };
}

const reasonOf = (skip: string | boolean) => (typeof skip === 'string' ? ` (${skip})` : '');

/** Where and why; nothing where a part of it says so already. */
function explain(where: string, { name, file, line, details: { error } }: EventData.TestFail): string[] {
  const { failureType, cause = error } = error as { failureType?: string; cause?: unknown };
  if (failureType === 'subtestsFailed') return [];
  const title = name === file ? `${shorten(file)} did not end well` : `${shorten(file)}:${line} ${name}`;
  // What an assertion compares is in its message; the runner's own frames say nothing.
  const isAssertion = cause instanceof Error && cause.name === 'AssertionError';
  const text = isAssertion ? cause.stack! : inspect(cause, { depth: 8, colors: process.stdout.isTTY });
  const why = text.replace(/\n +at .*\(?node:.*/g, '').replace(/^/gm, '    ');
  return [`${title}, ${where}\n${why}`];
}
