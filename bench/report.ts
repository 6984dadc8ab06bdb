import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Line, Reach, Spread } from './figures.ts';
import type { Machine } from './machine.ts';

export type Report = {
  mode: 'quick' | 'full';
  machine: Machine;
  minutes: number;
  lines: Line[];
};

const columns = ['what', 'ours', 'floor', 'of', 'ratio', 'reach', 'met'];

const cells = (line: Line): string[] => [
  line.what,
  spreadText(line.ours, line.unit),
  line.floor ? valueText(line.floor.median, line.unit) : '',
  line.against,
  line.ratio ? spreadText(line.ratio) : '',
  reachText(line),
  line.met === null ? '' : line.met ? 'yes' : 'NO',
];

/** The table for a terminal. */
export function tableText(lines: Line[]): string {
  const rows = [columns, ...lines.map(cells)];
  const widths = columns.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const headline = ({ mode, machine, minutes }: Report): string =>
  `${mode} run of ${machine.date} UTC at ${machine.commit}, ${minutes.toFixed(1)} minutes, on ${machine.cores} cores of ` +
  `${machine.processor}, ${machine.memoryGb} GB, ${machine.system}; Node ${machine.node}, PostgreSQL ${machine.postgres}`;

export const reportText = (report: Report): string => `${headline(report)}\n\n${tableText(report.lines)}\n`;

/** Writes results.md and results.json. */
export async function writeReport(folder: string, report: Report): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'results.json'), `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(join(folder, 'results.md'), markdown(report));
}

function markdown(report: Report): string {
  const row = (texts: string[]) => `| ${texts.join(' | ')} |\n`;
  const table = [columns, columns.map(() => '---'), ...report.lines.map(cells)].map(row).join('');
  return `# Benchmark

Written by \`npm run bench\`: ${headline(report)}.

Every figure is the median of several rounds; minimum and maximum are in parentheses. Ours and the floor take turns on
the same machine, which also makes the load. The ratio is ours to the floor, round by round. A reach bounds the ratio, or
the figure itself if the reach has a unit.

${table}`;
}

function reachText({ reach, absolute, unit }: Line): string {
  if (!reach) return '';
  const [sign, value] = signAndValue(reach);
  return `${sign} ${absolute ? valueText(value, unit) : value}`;
}

const signAndValue = (reach: Reach): [string, number] =>
  'least' in reach ? ['≥', reach.least] : ['≤', reach.most];

const spreadText = ({ median, least, most }: Spread, unit = ''): string =>
  `${valueText(median, unit)} (${digits(least)} to ${digits(most)})`;

const valueText = (value: number, unit: string): string =>
  digits(value) + (unit.startsWith('/') ? unit : unit && ` ${unit}`);

/** Three significant digits, or all digits before the point if there are more. */
function digits(value: number): string {
  const places = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: places, minimumFractionDigits: places });
}
