import { Patterns } from './patterns.ts';
import type { Plan } from './plan.ts';
import type { Zone } from './plans.ts';
import type { FormatRow } from './tables.ts';

/** How numbers of some beginnings and lengths are printed. */
class Format {
  /** Whether the number is dialled with a trunk zero within its country. */
  readonly hasTrunk: boolean;
  /** `$1 $2-$3` as '', 1, ' ', 2, '-', 3, ''. */
  #parts: (string | number)[];
  /** How many digits each group has at least and at most. */
  #groups: [min: number, max: number][];
  /** Where the groups end, by the length of the number. */
  #ends: (number[] | null)[] = [];

  constructor([pattern, national, , rule, , international]: FormatRow, ruleOfPlan: string | 0 | undefined) {
    this.hasTrunk = /^\(?\d/.test(rule || ruleOfPlan || '');
    const parts = (international ?? national).split(/\$(\d)/);
    this.#parts = parts.map((part, at) => (at % 2 === 0 ? part : Number(part)));
    const groups = pattern.matchAll(/\(\\d(?:\{(\d+)(?:,(\d+))?\})?\)/g);
    this.#groups = [...groups].map(([, min = '1', max = min]) => [Number(min), Number(max)]);
  }

  /** The number in groups; undefined if it has more or fewer digits than they have. */
  print(number: string): string | undefined {
    let ends = this.#ends[number.length];
    if (ends === undefined) {
      ends = this.#endsFor(number.length);
      this.#ends[number.length] = ends;
    }
    if (ends === null) return undefined;
    let text = '';
    for (const part of this.#parts)
      text += typeof part === 'string' ? part : number.slice(ends[part - 1], ends[part]);
    return text;
  }

  #endsFor(length: number): number[] | null {
    let spare = this.#groups.reduce((rest, [min]) => rest - min, length);
    if (spare < 0) return null;
    const ends = [0];
    for (const [min, max] of this.#groups) {
      const size = Math.min(max, min + spare);
      spare -= size - min;
      ends.push(ends.at(-1)! + size);
    }
    return spare === 0 ? ends : null;
  }
}

type Formats = { formats: Format[]; beginnings: Patterns };

const formatsByPlan = new Map<Plan, Formats>();

function formatsOf(plan: Plan): Formats {
  let formats = formatsByPlan.get(plan);
  if (!formats) {
    const rows = plan.row[4] || [];
    formats = {
      formats: rows.map(row => new Format(row, plan.row[6])),
      // The last one is the most exact.
      beginnings: new Patterns(
        [],
        rows.map(([, , leading]) => (leading || []).at(-1) ?? ''),
      ),
    };
    formatsByPlan.set(plan, formats);
  }
  return formats;
}

/** The format of a number, with the number in it. */
function formatOf([main]: Zone, number: string): { format: Format; text: string } | undefined {
  const { formats, beginnings } = formatsOf(main);
  const fitting = beginnings.fitting(number);
  for (let at = 0; at < formats.length; at++) {
    const text = fitting & (1 << at) ? formats[at]!.print(number) : undefined;
    if (text !== undefined) return { format: formats[at]!, text };
  }
  return undefined;
}

/** libphonenumber's INTERNATIONAL format: `+1 415-555-1234`. */
export function prettyOf(zone: Zone, number: string): string {
  return `+${zone[0].code} ${formatOf(zone, number)?.text ?? number}`;
}

/** Whether the number is written with a trunk zero within its country. */
export const hasTrunk = (zone: Zone, number: string): boolean =>
  formatOf(zone, number)?.format.hasTrunk ?? false;
