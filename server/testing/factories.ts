import type { NewNumber } from '../numbers/life/arrivals.ts';
import type { TestServer } from './server.ts';

let made = 0;

/** A number that no other test has: +1 with area codes 201 to 989 and exchange 555. */
export function uniqueNumber(): string {
  const place = made++;
  const areaCode = 201 + (Math.floor(place / 10_000) % 700);
  return `+1${areaCode % 100 === 11 ? 999 : areaCode}555${String(place % 10_000).padStart(4, '0')}`;
}

async function expectCreated(server: TestServer, path: string, key: string, body: unknown) {
  const reply = await server.call('POST', path, { key, body });
  if (reply.status !== 201) throw new Error(`POST ${path}: ${reply.text}`);
  return reply.body;
}

/** @returns the unique_id of a new organization */
export async function newOrganization(server: TestServer, key = server.key, name = 'Acme'): Promise<string> {
  return (await expectCreated(server, '/v1/organizations', key, { name })).organization.unique_id;
}

/** @returns the unique_id of a new user */
export async function newUser(server: TestServer, organization: string, key = server.key): Promise<string> {
  const body = { name: 'Ann Example', email: `user${made++}@example.com` };
  return (await expectCreated(server, `/v1/organizations/${organization}/users`, key, body)).user.unique_id;
}

/** @returns the id of a new carrier account, at the sandbox unless told otherwise */
export async function newAccount(server: TestServer, key = server.key, carrier = 'sandbox'): Promise<string> {
  const body = { carrier, name: `${carrier} ${made++}` };
  return (await expectCreated(server, '/v1/carrier-accounts', key, body)).carrier_account.id;
}

/** Adds the numbers, or one that no other test has. @returns them as the API shows them */
export async function newNumbers(
  server: TestServer,
  organization_id: string,
  phone_numbers: NewNumber[] = [{ phone_number: uniqueNumber() }],
  key = server.key,
): Promise<{ id: string; phone_number: string }[]> {
  return (await expectCreated(server, '/v1/sms/phone-numbers', key, { organization_id, phone_numbers }))
    .phone_numbers;
}
