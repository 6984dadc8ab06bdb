import { bytesInWords } from './text.ts';

export type Progress = { advance(bytes: number): void; stop(): void };

/** A bar on stderr that goes away when it is done; nothing at all where stderr is not a terminal. */
export async function showProgress(total: number | undefined): Promise<Progress> {
  if (!process.stderr.isTTY || process.env.TERM === 'dumb') return { advance() {}, stop() {} };
  const { Format, SingleBar } = (await import('cli-progress')).default;
  const bar = new SingleBar({
    stream: process.stderr,
    barsize: 30,
    clearOnComplete: true,
    // So that nothing of the terminal has to be restored after a Ctrl-C.
    linewrap: true,
    format(options, { progress, value }) {
      if (total === undefined) return `${bytesInWords(value)} sent`;
      if (value >= total) return `${bytesInWords(total)} sent; the server is at work`;
      const percent = `${Math.floor(progress * 100)}%`.padStart(4);
      return `[${Format.BarFormat(progress, options)}] ${percent} of ${bytesInWords(total)}`;
    },
  });
  bar.start(total ?? 0, 0);
  return { advance: bytes => bar.increment(bytes), stop: () => bar.stop() };
}
