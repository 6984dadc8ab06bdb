import { relative } from 'node:path';
import type { EventData, TestsStream } from 'node:test';
import { inspect } from 'node:util';

const root = `${import.meta.dirname}/..`;
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const shorten = (file: string | undefined) => relative(root, file ?? '');

/**
 * Says of each file that it is done, with what its tests have to say and which are left out; at the end, why each that
 * failed has failed, and how many there were.
 * @returns whether all have passed
 */
export async function report(tests: TestsStream): Promise<boolean> {
  const files = new Map<string, string[]>();
  const failures: string[] = [];
  const totals: string[] = [];
  let isGood = false;
  /** A suite that several files share stands in one of its own. */
  const note = (where: { file?: string; entryFile?: string }, text: string) => {
    const file = shorten(where.entryFile ?? where.file);
    const notes = files.get(file) ?? [];
    files.set(file, notes);
    if (!notes.includes(text)) notes.push(text);
  };

  for await (const { type, data } of tests) {
    if (type === 'test:diagnostic') {
      if (data.file) note(data, data.message);
      else totals.push(data.message);
    } else if (type === 'test:pass' && data.skip) {
      note(data, `left out: ${data.name}${typeof data.skip === 'string' ? ` (${data.skip})` : ''}`);
    } else if (type === 'test:fail') {
      const text = explain(data);
      if (text) failures.push(text);
    } else if (type === 'test:stdout' || type === 'test:stderr') {
      process.stderr.write(data.message);
    } else if (type === 'test:complete' && data.name === data.file) {
      const { passed, duration_ms } = data.details;
      console.log(`${passed ? '✔' : '✖'} ${shorten(data.file)} (${seconds(duration_ms)})`);
      for (const text of files.get(shorten(data.file)) ?? []) console.log(`    ${text}`);
    } else if (type === 'test:summary' && !data.file) isGood = data.success;
  }
  for (const text of failures) console.log(`\n${text}`);
  console.log(`\n${totals.map(text => `ℹ ${text}`).join('\n')}`);
  return isGood;
}

/** Where and why; undefined where a part of it says so already. */
function explain({ name, file, line, details: { error } }: EventData.TestFail): string | undefined {
  const { failureType, cause } = error as { failureType?: string; cause?: unknown };
  if (failureType === 'subtestsFailed') return undefined;
  const isFile = name === file;
  const title = isFile ? `${shorten(file)} did not end well` : `${shorten(file)}:${line} ${name}`;
  const why = inspect(cause ?? error, { depth: 8, colors: process.stdout.isTTY });
  return `✖ ${title}\n${why.replace(/^/gm, '    ')}`;
}
