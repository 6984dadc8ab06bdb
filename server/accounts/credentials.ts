import type { AccountFacts } from '../../carriers/carrier.ts';
import { carriers as kinds } from '../../carriers/carriers.ts';
import { CarrierError } from '../../carriers/errors.ts';
import { type TProperties, type TSchema, Type } from '../../schema/schema.ts';
import { Problem } from '../errors.ts';
import { assertValid } from '../http/validation.ts';
import { type Carriers, kindOf } from './open.ts';

/** What opens an account at a carrier, by the names of the fields that its kind has. */
export type Credentials = Record<string, string>;

/** One field of the credentials of a kind of carrier. */
export type CredentialField = { name: string; required: boolean; secret: boolean; description: string };

export function fieldsOf(carrier: string): CredentialField[] {
  const { properties, required }: { properties: TProperties; required?: string[] } =
    kindOf(carrier).credentials;
  return Object.entries(properties).map(([name, schema]) => {
    const { writeOnly = false, description = '' } = schema as { writeOnly?: boolean; description?: string };
    return { name, required: required?.includes(name) ?? false, secret: writeOnly, description };
  });
}

// Within an object of that name, so that what is wrong is said of `credentials.secret`. There is no field but those of
// the kind: above all none that says where the carrier is.
const schemas: Record<string, TSchema> = Object.fromEntries(
  Object.entries(kinds).map(([carrier, { credentials }]) => [
    carrier,
    Type.Object({ credentials: { ...credentials, additionalProperties: false } }),
  ]),
);

/**
 * What a client has given as credentials of this kind of carrier.
 * @throws Problem `invalid_request`, which names a field and never says what is in it
 */
export function readCredentials(carrier: string, credentials: unknown): Credentials {
  assertValid(schemas[carrier]!, { credentials });
  return credentials as Credentials;
}

/** What may be shown of credentials: the fields that are not secret. */
export function withoutSecrets(carrier: string, credentials: Credentials): Credentials {
  const shown = fieldsOf(carrier).filter(({ name, secret }) => !secret && name in credentials);
  return Object.fromEntries(shown.map(({ name }) => [name, credentials[name]!]));
}

/**
 * Asks the carrier whether it accepts the credentials.
 * @throws Problem `carrier_rejected` where it does not, `carrier_failed` where it could not be asked
 */
export async function verifyCredentials(
  carriers: Carriers,
  account: { carrier: string; id: string },
  credentials: Credentials,
): Promise<AccountFacts> {
  try {
    return await carriers.connect(account.carrier, credentials, account.id).check();
  } catch (error) {
    if (error instanceof CarrierError) throw rejection(kindOf(account.carrier).title, error);
    throw error;
  }
}

const noAnswer = ['transient', 'outcome_unknown'];

/** A refusal may quote what was refused, so it is told by its outcome and the carrier's code alone. */
function rejection(title: string, { outcome, carrierCode, message }: CarrierError): Problem {
  if (noAnswer.includes(outcome)) return new Problem('carrier_failed', undefined, message);
  const words = `${title} says: ${outcome.replaceAll('_', ' ')}${carrierCode ? ` (${carrierCode})` : ''}`;
  return new Problem(outcome === 'rate_limited' ? 'carrier_failed' : 'carrier_rejected', undefined, words);
}
