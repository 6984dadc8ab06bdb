import { ifFound, verify } from '../answers.ts';
import type { Attachment, Messaging } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import { type Client, nothing } from '../http.ts';
import { inServiceAlready, notTaken, ServiceNumber } from './wire.ts';

// A 10DLC campaign belongs to a Messaging Service. A number in the service is attached to the campaign:
// https://www.twilio.com/docs/messaging/api/phonenumber-resource

type Numbered = { id: string; phone_number: string };

const numbersPath = (service: string) => `/v1/Services/${encodeURIComponent(service)}/PhoneNumbers`;

export async function attach(client: Client, number: Numbered, to: Messaging): Promise<Attachment> {
  if (to.service === null) return { state: 'none' };
  const form = { PhoneNumberSid: number.id };
  try {
    const added = await client({ method: 'POST', path: numbersPath(to.service), form }, ServiceNumber);
    verify({ ...added, id: added.sid }, number, 'outcome_unknown');
    return { state: 'attached' };
  } catch (error) {
    const code = error instanceof CarrierError ? error.carrierCode : undefined;
    if (code === inServiceAlready) return { state: 'attached' };
    const reason = notTaken[code ?? ''];
    if (reason) return { state: 'failed', reason };
    throw error;
  }
}

/** A number is in one service, and another one takes it only when it is in none. */
export async function detach(client: Client, { id }: Numbered, from: string[], to: Messaging): Promise<void> {
  for (const service of from.filter(name => name.startsWith('MG') && name !== to.service)) {
    const path = `${numbersPath(service)}/${encodeURIComponent(id)}`;
    await ifFound(client({ method: 'DELETE', path }, nothing));
  }
}

export async function attachment(client: Client, number: Numbered, to: Messaging): Promise<Attachment> {
  if (to.service === null) return { state: 'none' };
  const path = `${numbersPath(to.service)}/${encodeURIComponent(number.id)}`;
  const found = await ifFound(client({ method: 'GET', path }, ServiceNumber));
  if (!found) return { state: 'none' };
  verify({ ...found, id: found.sid }, number, 'transient');
  return { state: 'attached' };
}
