import { invalid, type Problem } from '../../../errors.ts';
import { readMoment } from '../../../http/moments.ts';

/** The state that a number comes in with, if it is not simply assigned or available. */
export type StateInFile = {
  status: 'reserved' | 'cooling_down';
  until: Date;
  reservation_note: string | undefined;
};

const holdSecondsMax = 31_536_000;
const noteLengthMax = 500;
const never = ['pending', 'releasing', 'released'];

/**
 * Reads the state of a number. A status that has ended is over: the number is available.
 * @param given as the file has it; empty is not given
 * @returns the state; undefined for assigned or available; a text for a status of other programs, which says nothing here
 * @throws Problem `invalid_request`, whose text begins with the field
 */
export function readState(
  given: { status: string; until: string; reservation_note: string },
  hasUser: boolean,
  zone: string,
  now: number,
): StateInFile | string | undefined {
  const status = given.status
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');
  if (status === '') return undefined;
  if (status === 'available') {
    if (hasUser) throw invalid('status is available, but the row has a user: leave one of them empty');
    return undefined;
  }
  if (status === 'assigned') {
    if (!hasUser)
      throw invalid('status is assigned, but the row has no user: name the user, or leave status empty');
    return undefined;
  }
  if (never.includes(status))
    throw invalid(`status ${status} cannot be imported: leave it empty, or leave the row out`);
  if (status !== 'reserved' && status !== 'cooling_down') return status;
  if (hasUser) throw invalid(`status is ${status}, but the row has a user: leave one of them empty`);
  if (given.until === '') throw invalid(`until is required when status is ${status}: write when that ends`);
  const until = readMoment(given.until, 'until', zone);
  if (until.getTime() <= now) return undefined;
  if (status === 'reserved' && until.getTime() > now + holdSecondsMax * 1000)
    throw invalid('until must be at most a year from now when status is reserved');
  if (given.reservation_note.length > noteLengthMax)
    throw invalid(`reservation_note is longer than ${noteLengthMax} characters`);
  const note = status === 'reserved' ? given.reservation_note : '';
  return { status, until, reservation_note: note || undefined };
}

/** The field that the text of an error begins with. */
export function fieldOfProblem(problem: Problem, names: readonly string[]): string | null {
  const [word] = problem.message.split(/[ .[:]/, 1);
  return word !== undefined && names.includes(word) ? word : null;
}
