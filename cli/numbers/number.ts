import { type Command, InvalidArgumentError } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { Assigned as AssignedSchema } from '../../server/numbers/life/schemas.ts';
import type { NumberDetail } from '../../server/numbers/schemas.ts';
import { pathOf } from '../http/client.ts';
import { fields } from '../terminal/output.ts';

/* What the commands that are about one number have in common. */

export type PhoneNumber = Static<typeof NumberDetail>;
export type Assigned = Static<typeof AssignedSchema>;
export type One = { phone_number: PhoneNumber };

const writing = 'in any usual way of writing it';

export const onNumber = (made: Command) =>
  withCountry(made.argument('<number>', writing, text => readNumber(text)));

export const onNumbers = (made: Command) =>
  withCountry(
    made.argument('<numbers...>', writing, (text, before: string[] = []) => [...before, readNumber(text)]),
  );

export const withCountry = (made: Command) =>
  made.option('--default-country <country>', 'what a number without + is read as (default: US)');

/** Without a digit it is no number, and in a path it might be the name of something else. */
export function readNumber(text: string): string {
  if (!/\d/.test(text)) throw new InvalidArgumentError('It is not a phone number.');
  return text;
}

export const pathTo = (number: string, ...action: string[]) =>
  pathOf('sms', 'phone-numbers', number, ...action);

export const country = ({ defaultCountry }: { defaultCountry?: string }) => ({
  default_country: defaultCountry?.toUpperCase(),
});

export const one = ({ phone_number: n }: One) =>
  fields({
    Number: n.phone_number,
    Written: n.pretty_phone_number,
    Nickname: n.nickname,
    Status: n.status,
    ...(n.pending_reason && { 'Pending because': n.pending_reason }),
    ...(n.leaving && { 'Being released': true }),
    ...(n.release_problem && { 'Not released because': n.release_problem }),
    ...(n.until && { Until: n.until }),
    ...(n.reservation_id && { Reservation: n.reservation_id, 'Reserved for': n.reservation_note }),
    Organization: `${n.organization_name}, ${n.organization_id}`,
    'Assigned to':
      n.assigned_to && `${n.assigned_to.name} <${n.assigned_to.email}>, ${n.assigned_to.user_id}`,
    Since: n.assigned_at,
    Tags: n.tags.join(', '),
    Locked: n.locked,
    ...(Object.keys(n.metadata).length > 0 && { Metadata: JSON.stringify(n.metadata) }),
    ...(n.carrier_account_id && { 'Carrier account': n.carrier_account_id }),
    Country: n.country,
    'Area code': n.area_code,
    ID: n.id,
    Created: n.created_at,
    Modified: n.modified_at,
  });

export const assigned = ({ phone_number, user_id, assigned_at }: Assigned) =>
  fields({ Number: phone_number, 'Assigned to': user_id, Since: assigned_at });
