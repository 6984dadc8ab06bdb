import type { Static } from '../../schema/schema.ts';
import type { CarrierAccount } from '../../server/accounts/schemas.ts';
import { pathOf } from '../http/client.ts';
import { fields } from '../terminal/output.ts';
import { durationOf } from '../terminal/text.ts';

export type Account = Static<typeof CarrierAccount>;
export type AccountBody = { carrier_account: Account };

/** Stands for an account in examples. */
export const exampleAccount = '0199f3a0-9d41-7c02-b5ae-1f2e3d4c5b6a';

export const accountPath = (...segments: string[]): string => pathOf('carrier-accounts', ...segments);

export const accountFields = ({ carrier_account }: AccountBody): string => fields(fieldsOf(carrier_account));

export const fieldsOf = (account: Account) => ({
  ID: account.id,
  Carrier: account.carrier,
  Name: account.name,
  Status: account.status,
  Credentials:
    account.credentials === null
      ? 'encrypted with a key that the server does not have'
      : Object.entries(account.credentials)
          .map(([name, value]) => `${name} ${value}`)
          .join(', '),
  'Last verified': account.verified_at,
  Problem: account.problem,
  'Compared every': account.compare_every_seconds && durationOf(account.compare_every_seconds),
  'Compared next': account.compare_due_at,
  Added: account.created_at,
  Modified: account.modified_at,
});
