import { ifFound, verify } from '../answers.ts';
import type { Attachment, Messaging } from '../carrier.ts';
import type { Client } from '../http.ts';
import { MessagingSettings, OnePhoneNumberCampaign, type PhoneNumberCampaign } from './wire.ts';

type Numbered = { id: string; phone_number: string };

/** Puts the number on the profile first, because a campaign takes no number without one. Changes nothing twice. */
export async function attach(client: Client, number: Numbered, to: Messaging): Promise<Attachment> {
  if (to.service !== null && (await profileOf(client, number)) !== to.service)
    await setProfile(client, number, to.service);
  if (to.campaign === null) return { state: to.service === null ? 'none' : 'attached' };
  const before = await campaignOf(client, number);
  if (before && isOf(before, to.campaign) && isOnItsWay(before)) return stateOf(before);
  return stateOf(await assign(client, number, to.campaign, before !== undefined));
}

/** attach() replaces a profile by another one, and a campaign by another one. */
export async function detach(client: Client, number: Numbered, from: string[], to: Messaging): Promise<void> {
  if (to.campaign === null) {
    const assignment = await campaignOf(client, number);
    if (assignment && isOnItsWay(assignment) && from.some(campaign => isOf(assignment, campaign)))
      await ifFound(
        client({ method: 'DELETE', path: assignmentPath(number.phone_number) }, OnePhoneNumberCampaign),
      );
  }
  const profile = to.service === null ? await profileOf(client, number) : null;
  if (profile !== null && from.includes(profile)) await setProfile(client, number, '');
}

export async function attachment(client: Client, number: Numbered, to: Messaging): Promise<Attachment> {
  if (to.service === null && to.campaign === null) return { state: 'none' };
  if (to.service !== null && (await profileOf(client, number)) !== to.service) return { state: 'none' };
  if (to.campaign === null) return { state: 'attached' };
  const assignment = await campaignOf(client, number);
  return assignment && isOf(assignment, to.campaign) ? stateOf(assignment) : { state: 'none' };
}

const settingsPath = ({ id }: Numbered) => `/phone_numbers/${encodeURIComponent(id)}/messaging`;

async function profileOf(client: Client, number: Numbered): Promise<string | null> {
  const { data } = await client({ method: 'GET', path: settingsPath(number) }, MessagingSettings);
  return verify(data, asked(number), 'transient').messaging_profile_id || null;
}

async function setProfile(client: Client, number: Numbered, profile: string): Promise<void> {
  const json = { messaging_profile_id: profile };
  const { data } = await client({ method: 'PATCH', path: settingsPath(number), json }, MessagingSettings);
  verify(data, asked(number), 'outcome_unknown');
}

const asked = ({ id, phone_number }: Numbered) => ({ id, phone_number });

const assignments = '/10dlc/phone_number_campaigns';
const assignmentPath = (phoneNumber: string) => `${assignments}/${encodeURIComponent(phoneNumber)}`;

async function campaignOf(
  client: Client,
  { phone_number }: Numbered,
): Promise<PhoneNumberCampaign | undefined> {
  const call = { method: 'GET', path: assignmentPath(phone_number) } as const;
  const answer = await ifFound(client(call, OnePhoneNumberCampaign));
  if (answer) verify({ phone_number: answer.phoneNumber }, { phone_number }, 'transient');
  return answer;
}

/** A number has one assignment. POST makes the first one, PUT replaces it. */
async function assign(
  client: Client,
  { phone_number }: Numbered,
  campaignId: string,
  again: boolean,
): Promise<PhoneNumberCampaign> {
  const json = { phoneNumber: phone_number, campaignId };
  const answer = again
    ? await client({ method: 'PUT', path: assignmentPath(phone_number), json }, OnePhoneNumberCampaign)
    : await client({ method: 'POST', path: assignments, json }, OnePhoneNumberCampaign);
  verify({ phone_number: answer.phoneNumber }, { phone_number }, 'outcome_unknown');
  return answer;
}

/** A campaign has an id at Telnyx and another at The Campaign Registry. `campaignId` is one of them, by its kind. */
const isOf = (assignment: PhoneNumberCampaign, campaign: string) =>
  [assignment.campaignId, assignment.telnyxCampaignId, assignment.tcrCampaignId].includes(campaign);

const isOnItsWay = (assignment: PhoneNumberCampaign) =>
  ['pending', 'attached'].includes(stateOf(assignment).state);

function stateOf({ assignmentStatus }: PhoneNumberCampaign): Attachment {
  switch (assignmentStatus) {
    case 'ASSIGNED':
    // Telnyx could not take it off the campaign, so it is still on it.
    case 'FAILED_UNASSIGNMENT':
      return { state: 'attached' };
    case 'PENDING_UNASSIGNMENT':
      return { state: 'none' };
    case 'FAILED_ASSIGNMENT':
      return { state: 'failed', reason: 'Telnyx could not assign the number to the campaign' };
    default:
      return { state: 'pending' };
  }
}
