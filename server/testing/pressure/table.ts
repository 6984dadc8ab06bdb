import type { Cost } from './gauge.ts';
import { type Answers, kinds } from './honest.ts';
import type { Tally } from './rude.ts';

export type Line = { title: string; quiet: Answers; during: Answers; cost: Cost; tally: Tally; ms: number };

const figure = (ms: number) => (Number.isFinite(ms) ? ms.toFixed(ms < 10 ? 1 : 0) : '–');

/** A table for people: times of B in ms, quiet → during, and how many times as long. */
export function tableOf(lines: Line[]): string[] {
  const head = [
    'while A has',
    ...kinds.map(kind => `${kind} p50 / p99`),
    'errors of B',
    'longest turn, ms of processor (events)',
    'memory above idle, MB',
    'answers to A',
    's',
  ];
  const rows = lines.map(({ title, quiet, during, cost, tally, ms }) => [
    title,
    ...kinds.map(kind => {
      const { p50, p99 } = during.times[kind];
      const before = quiet.times[kind];
      const ratio = (now: number, then: number) => `${figure(then)}→${figure(now)} ×${figure(now / then)}`;
      return `${ratio(p50, before.p50)} / ${ratio(p99, before.p99)}`;
    }),
    String(during.errors.length),
    `${figure(cost.turn.ms)} (${cost.turn.events})`,
    String(cost.memory ?? '?'),
    Object.entries(tally)
      .map(([answer, times]) => `${times} × ${answer}`)
      .join(', '),
    (ms / 1000).toFixed(1),
  ]);
  const widths = head.map((title, column) =>
    Math.max(...[title, ...rows.map(row => row[column]!)].map(text => text.length)),
  );
  return [head, ...rows].map(row =>
    row
      .map((text, column) => text.padEnd(widths[column]!))
      .join(' | ')
      .trimEnd(),
  );
}
