import { type Command, InvalidArgumentError } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { AssignedBody as AssignedSchema } from '../../server/numbers/life/schemas.ts';
import type { NumberDetail } from '../../server/numbers/schemas.ts';
import { pathOf } from '../http/client.ts';
import { fields } from '../terminal/output.ts';
import { personOf } from '../terminal/text.ts';
import { fieldLines } from './fields.ts';

/* What the commands that name a number share. */

export type PhoneNumber = Static<typeof NumberDetail>;
export type NumberBody = { phone_number: PhoneNumber };
export type AssignedBody = Static<typeof AssignedSchema>;

export const numbersPath = (...segments: string[]): string => pathOf('sms', 'phone-numbers', ...segments);

const anyForm = 'with or without +, blanks and punctuation';

export const withNumber = (made: Command): Command =>
  withDefaultCountry(made.argument('<number>', anyForm, text => readNumber(text)));

export const withNumbers = (made: Command): Command =>
  withDefaultCountry(
    made.argument('<numbers...>', anyForm, (text, before: string[] = []) => [...before, readNumber(text)]),
  );

export const withDefaultCountry = (made: Command): Command =>
  made.option('--default-country <country>', 'the country of numbers without + (default: US)');

export const hasDigit = (text: string): boolean => /\p{Nd}/u.test(text);

/** A word without a digit is not a number, and in a path it could name another route. */
export function readNumber(text: string): string {
  if (!hasDigit(text)) throw new InvalidArgumentError('It is not a phone number.');
  return text;
}

export const defaultCountry = ({ defaultCountry }: { defaultCountry?: string }) => ({
  default_country: defaultCountry?.toUpperCase(),
});

export const numberFields = ({ phone_number: n }: NumberBody): string =>
  fields({
    Number: n.phone_number,
    Formatted: n.pretty_phone_number,
    Status: n.status,
    'Pending because': n.pending_reason ?? undefined,
    'Being released': n.leaving || undefined,
    'Not released because': n.release_problem ?? undefined,
    Until: n.until ?? undefined,
    Reservation: n.reservation_id ?? undefined,
    'Reserved for': n.reservation_id ? n.reservation_note : undefined,
    Organization: `${n.organization_name}, ${n.organization_id}`,
    'Assigned to': n.assigned_to && `${personOf(n.assigned_to)}, ${n.assigned_to.user_id}`,
    Since: n.assigned_at,
    ...fieldLines(n),
    'Carrier account': n.carrier_account_id ?? undefined,
    Country: n.country,
    'Area code': n.area_code,
    ID: n.id,
    Created: n.created_at,
    Modified: n.modified_at,
  });

export const assignmentFields = ({ phone_number, user_id, assigned_at }: AssignedBody): string =>
  fields({ Number: phone_number, 'Assigned to': user_id, Since: assigned_at });
