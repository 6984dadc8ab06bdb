import { Type } from '../../schema/schema.ts';
import { nullable } from '../../schema/shapes.ts';
import { invalid, type Problem } from '../errors.ts';

export const CarrierAccountId = (description: string) =>
  nullable(
    Type.String({
      format: 'uuid',
      description,
      examples: ['0199f3a0-9d41-7c02-b5ae-1f2e3d4c5b6a'],
    }),
  );

/** For a violated foreign key to carrier_accounts. */
export const noSuchAccount = (): Problem =>
  invalid("carrier_account_id must be the id of one of the tenant's carrier accounts");
