import { homeOf, type Zone } from './plans.ts';

type Rule = {
  written: RegExp;
  kept: string;
  /** The one that is kept is written even where the tables do not know it: the plan has no other. */
  always?: true;
};

/** Lines that are written in two ways, by country code. Where each rule comes from stands in decision 21. */
const rules = new Map<string, readonly Rule[]>(
  Object.entries({
    // Italy: a fixed line begins with 0, which spreadsheets drop. 2, 6 and 9 are nobody's first digit; nor has anything
    // else that is new nine digits. A mobile number has not begun with 0 since 2001.
    39: [
      { written: /^(?=\d{6,9}$|[269])([1-9]\d+)$/, kept: '0$1' },
      { written: /^0(3\d{8,9})$/, kept: '$1' },
    ],
    // Mexico: 1 before a mobile number, and the prefixes of calls within the country, ended in 2019.
    52: [{ written: /^(?:1|01|044|045)(\d{10})$/, kept: '$1', always: true }],
    // Argentina: 9 is dialled from abroad before a number that is a mobile's, and left out for SMS.
    54: [{ written: /^9(\d{10})$/, kept: '$1', always: true }],
    // Brazil: mobile numbers of eight digits have had a 9 before them since 2016; those with 7 (trunking) have not.
    55: [{ written: /^([1-9][1-9])([689]\d{7})$/, kept: '$19$2' }],
    // Colombia: fixed lines have had 60 before the area code since 2021.
    57: [{ written: /^([124-8]\d{7})$/, kept: '60$1' }],
    // Benin: all numbers of people have had 01 before them since 2024.
    229: [{ written: /^([24-79]\d{7})$/, kept: '01$1', always: true }],
    // Gabon: the tables have the old numbers of seven digits with and without the zero that they are dialled with.
    241: [{ written: /^([2-7]\d{6})$/, kept: '0$1', always: true }],
  }),
);

/** The writing of a line that is kept, whichever way its number was written. */
export function oneWriting(zone: Zone, number: string): string {
  const [main] = zone;
  const own = rules.get(main.code);
  if (own === undefined && !number.startsWith('0')) return number;
  for (const { written, kept, always } of own ?? []) {
    if (!written.test(number)) continue;
    const other = number.replace(written, kept);
    if (always || (!isKnown(zone, number) && isKnown(zone, other))) return other;
  }
  // A zero after the country code of a plan that has no trunk zero is one all the same: Poland's ended in 2009.
  if (number.startsWith('0') && !main.row[5] && !main.row[7]) {
    const other = number.slice(1);
    if (isKnown(zone, number)) return number;
    if (isKnown(zone, other) || (!main.hasForm(number) && main.hasForm(other))) return other;
  }
  return number;
}

const isKnown = (zone: Zone, number: string): boolean => homeOf(zone, number)?.hasRange(number) ?? false;
