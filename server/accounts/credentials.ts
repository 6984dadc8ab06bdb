import type { AccountFacts } from '../../carriers/carrier.ts';
import { carriers as kinds } from '../../carriers/carriers.ts';
import { CarrierError } from '../../carriers/errors.ts';
import { type TProperties, type TSchema, Type } from '../../schema/schema.ts';
import { Problem } from '../errors.ts';
import { assertValid } from '../http/validation.ts';
import { type Carriers, kindOf } from './open.ts';

/** The credentials of an account at a carrier, by field. The fields depend on the kind of carrier. */
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

// Wrapped in an object, so that an error names `credentials.secret`. Other fields are refused: above all, nobody may
// choose the carrier's address.
const schemas: Record<string, TSchema> = Object.fromEntries(
  Object.entries(kinds).map(([carrier, { credentials }]) => [
    carrier,
    Type.Object({ credentials: { ...credentials, additionalProperties: false } }),
  ]),
);

/**
 * Validates a client's credentials for this kind of carrier.
 * @throws Problem `invalid_request`, which names the field and never quotes its value
 */
export function readCredentials(carrier: string, credentials: unknown): Credentials {
  assertValid(schemas[carrier]!, { credentials });
  return credentials as Credentials;
}

/** The fields that may be shown. */
export function withoutSecrets(carrier: string, credentials: Credentials): Credentials {
  const shown = fieldsOf(carrier).filter(({ name, secret }) => !secret && name in credentials);
  return Object.fromEntries(shown.map(({ name }) => [name, credentials[name]!]));
}

/**
 * Asks the carrier whether it accepts the credentials.
 * @throws Problem `carrier_rejected` if it does not, `carrier_failed` if the carrier could not be asked
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

/**
 * Whether the account that these credentials belong to has one of the numbers.
 * @param numbers their ids at the carrier
 * @throws Problem `carrier_failed`
 */
export async function hasOneOf(
  carriers: Carriers,
  account: { carrier: string; id: string },
  credentials: Credentials,
  numbers: string[],
): Promise<boolean> {
  const carrier = carriers.connect(account.carrier, credentials, account.id);
  try {
    for (const id of numbers) if (await carrier.getNumber(id)) return true;
    return false;
  } catch (error) {
    if (error instanceof CarrierError) throw new Problem('carrier_failed', undefined, error.message);
    throw error;
  }
}

const noAnswer = ['transient', 'outcome_unknown'];

/** Reports only the outcome and the carrier's code: the text of a rejection may quote the credentials. */
function rejection(title: string, { outcome, carrierCode, message }: CarrierError): Problem {
  if (noAnswer.includes(outcome)) return new Problem('carrier_failed', undefined, message);
  const words = `${title} says: ${outcome.replaceAll('_', ' ')}${carrierCode ? ` (${carrierCode})` : ''}`;
  return new Problem(outcome === 'rate_limited' ? 'carrier_failed' : 'carrier_rejected', undefined, words);
}
