import { bytesInWords } from './text.ts';

export type Progress = { advance(bytes: number): void; stop(): void };

/** A bar on stderr that goes away when it is done; nothing at all where stderr is not a terminal. */
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

export type Steps = { show(done: number, of: number | undefined, what: string): void; stop(): void };

/** The same for work that is done elsewhere, in several steps: how much of how much is done, where that is known. */
export async function showSteps(): Promise<Steps> {
  let of: number | undefined;
  let what = '';
  const bar = await openBar(undefined, (value, progress, line) => {
    const done = value.toLocaleString('en-US');
    if (!of) return `${done} ${what}`;
    return `[${line}] ${percent(progress)}, ${done} of ${of.toLocaleString('en-US')} ${what}`;
  });
  return {
    show(done, total, name) {
      [of, what] = [total, name];
      bar?.show(done, total);
    },
    stop: () => bar?.stop(),
  };
}

const percent = (progress: number) => `${Math.floor(progress * 100)}%`.padStart(4);

/** @param words what is shown beside, or instead of, the bar as a line of text */
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
    // So that nothing of the terminal has to be restored after a Ctrl-C.
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
