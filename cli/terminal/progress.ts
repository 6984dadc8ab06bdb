import { bytesInWords, withCommas } from './text.ts';

export type Progress = { advance(bytes: number): void; stop(): void };

/** A bar on stderr for a file that is sent. It disappears at the end, and without a terminal there is none. */
export async function showProgress(total: number | undefined): Promise<Progress> {
  let sent = 0;
  const bar = await openBar(total, (value, progress, line) => {
    if (total === undefined) return `${bytesInWords(value)} sent`;
    if (value >= total) return `${bytesInWords(total)} sent; the server is at work`;
    return `[${line}] ${percent(progress)} of ${bytesInWords(total)}`;
  });
  return {
    advance(bytes) {
      sent += bytes;
      bar?.show(sent, total);
    },
    stop: () => bar?.stop(),
  };
}

export type StepProgress = {
  show(done: number, total: number | undefined, activity: string): void;
  stop(): void;
};

/** The same for work on the server that has several steps. The total may be unknown. */
export async function showSteps(): Promise<StepProgress> {
  let total: number | undefined;
  let activity = '';
  const bar = await openBar(undefined, (value, progress, line) => {
    const done = withCommas(value);
    if (!total) return `${done} ${activity}`;
    return `[${line}] ${percent(progress)}, ${done} of ${withCommas(total)} ${activity}`;
  });
  return {
    show(done, ...step) {
      [total, activity] = step;
      bar?.show(done, total);
    },
    stop: () => bar?.stop(),
  };
}

const percent = (progress: number) => `${Math.floor(progress * 100)}%`.padStart(4);

/** @param words makes the text to show, given the bar itself as a line of characters */
async function openBar(
  total: number | undefined,
  words: (value: number, progress: number, line: string) => string,
) {
  if (!process.stderr.isTTY || process.env.TERM === 'dumb') return undefined;
  const { Format, SingleBar } = (await import('cli-progress')).default;
  const bar = new SingleBar({
    stream: process.stderr,
    barsize: 30,
    clearOnComplete: true,
    // Otherwise the bar turns line wrapping off, and a Ctrl-C would leave the terminal so.
    linewrap: true,
    format: (options, { progress, value }) =>
      words(value, Math.min(progress, 1), Format.BarFormat(Math.min(progress, 1), options)),
  });
  bar.start(total ?? 0, 0);
  return {
    show(value: number, total: number | undefined) {
      bar.setTotal(total ?? 0);
      bar.update(value);
    },
    stop: () => bar.stop(),
  };
}
