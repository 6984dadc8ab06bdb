import { isInUse } from './plans/plans.ts';
import { type Reading, read } from './reading.ts';
import { scan, type Written } from './writing/written.ts';

/**
 * Whether a text that reads as one number, in a plan with numbers of many lengths, is rather two: `030 5550 089 5551`,
 * `+49 30 55501 55502`, `030 555012/13`.
 */
export function readsAsTwo(written: Written, whole: Reading, country: string): boolean {
  const { text, mayBeginAnew, hasSlash } = written;
  return (
    (mayBeginAnew && beginsAnew(text, country)) ||
    hasTwoLines(written, whole, country) ||
    (hasSlash && endsTwice(text, country))
  );
}

/** Reads a part of a text, if a number in use stands there. */
function readPart(text: string, country: string): Reading | undefined {
  const written = scan(text);
  const reading = written && read(written, country);
  return typeof reading === 'object' && isInUse(reading.zone, reading.number) ? reading : undefined;
}

/** Whether a part of a text can be read as a number, in use or not. */
function isNumber(text: string, country: string): boolean {
  const written = scan(text);
  return written !== undefined && typeof read(written, country) === 'object';
}

/** A zero before the second number. */
function beginsAnew(text: string, country: string): boolean {
  for (const { index } of text.matchAll(/(?<=\d\D+)0/g)) {
    const first = readPart(text.slice(0, index), country);
    if (first && readPart(text.slice(index), first.zone[0].country ?? country)) return true;
  }
  return false;
}

/**
 * Two lines of one area code, each long enough for one. They are two if they are neighbours, or if no number is as long
 * as both: a company's number and a long extension are one.
 */
function hasTwoLines(
  { text, size, sizeBefore }: Written,
  { zone, number }: Reading,
  country: string,
): boolean {
  if (size < 5 || sizeBefore < 5) return false;
  const isTooMuch = number.length >= 12 || !isInUse(zone, number);
  if (!isTooMuch && size !== sizeBefore) return false;
  const [lines, one, other] = /(\d+)\D+(\d+)\D*$/.exec(text) as unknown as [string, string, string];
  if (!isTooMuch && one.slice(0, -2) !== other.slice(0, -2)) return false;
  return readPart(text.slice(0, text.length - lines.length + one.length), country) !== undefined;
}

/** After a slash, other last digits for the same number; but slashes may also be all that parts its groups. */
function endsTwice(text: string, country: string): boolean {
  const slash = text.lastIndexOf('/');
  const groups = text.match(/\d+/g)!.map(({ length }) => length);
  const [first, before, last] = [groups[0]!, groups.at(-2) ?? 0, groups.at(-1)!];
  const isEnding =
    text.indexOf('/') === slash ? last <= before : last < before && before > 3 && before !== first;
  return isEnding && readPart(text.slice(0, slash), country) !== undefined;
}

/** Whether a text that is no number, since it has too many digits, begins with one and goes on with another. */
export function isTwo(text: string, country: string): boolean {
  let before = 0;
  const groups = [...text.matchAll(/\d+/g)];
  const total = groups.reduce((sum, [digits]) => sum + digits.length, 0);
  for (const [at, { 0: digits, index }] of groups.entries()) {
    before += digits.length;
    const end = index + digits.length;
    const between = text.slice(end, groups[at + 1]?.index);
    if (before < 5 || before > 20 || before === total) continue;
    if ((total - before >= 6 || between.includes('/')) && isNumber(text.slice(0, end), country)) return true;
  }
  return false;
}
