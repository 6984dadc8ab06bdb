import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { reconcile } from '../reconciliation/testing.ts';
import { own } from './carrier-numbers.ts';
import { newAccount, newNumbers, newOrganization, newUser, uniqueNumber } from './factories.ts';
import type { TestServer } from './server.ts';
import { buyOne } from './shop.ts';

/** Everything that a request can name. The numbers are named by what they are. */
export type Names = {
  organization: string;
  user: string;
  email: string;
  available: string;
  assigned: string;
  reserved: string;
  coolingDown: string;
  releasing: string;
  released: string;
  reservation: string;
  batch: string;
  order: string;
  bulk: string;
  token: string;
  key: string;
  /** Of the tenant, not of the organization; at the sandbox. */
  account: string;
  /** A comparison of the account, and a number that it has found to be not here. */
  run: string;
  drift: string;
  tag: string;
  nickname: string;
};

/** A new organization with one of everything. */
export async function populate(server: TestServer, key: string): Promise<Names> {
  const call = async (method: string, path: string, body?: unknown) => {
    const reply = await server.call(method, path, { key, ...(body !== undefined && { body }) });
    if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.text}`);
    return reply.body;
  };
  const settings = (seconds: number) =>
    call('PATCH', '/v1/tenant', { cool_down_seconds: seconds, release_undo_seconds: seconds });
  const organization = await newOrganization(server, key);
  const user = await newUser(server, organization, key);
  const { email } = (await call('GET', `/v1/organizations/${organization}/users/${user}`)).user;
  const nickname = `desk-${randomUUID()}`;
  const tag = `tag-${randomUUID()}`;
  const added = await newNumbers(
    server,
    organization,
    Array.from({ length: 6 }, (_, index) => ({
      phone_number: uniqueNumber(),
      nickname,
      ...(index < 2 && { user_id: user }),
    })),
    key,
  );
  const [assigned, coolingDown, available, reserved, releasing, released] = added.map(
    number => number.phone_number,
  ) as [string, string, string, string, string, string];
  const items = [assigned, available].map(phone_number => ({ action: 'tag', phone_number, add: [tag] }));
  await call('POST', `/v1/sms/phone-numbers/bulk`, { items });
  await sql`
    insert into charges (tenant_id, organization_id, id, type, phone_number_id, phone_number, amount, period_start, at)
    select tenant_id, organization_id, gen_random_uuid(), 'number.weekly_fee', id, phone_number, 1.25, created_at, created_at
    from phone_numbers where phone_number = ${assigned}`.execute(server.database.db);
  const { events } = await call('GET', `/v1/events?organization_id=${organization}`);
  await settings(3600);
  await call('DELETE', `/v1/sms/phone-numbers/${coolingDown}/assign`);
  await call('DELETE', `/v1/sms/phone-numbers/${releasing}`);
  await settings(0);
  await call('DELETE', `/v1/sms/phone-numbers/${released}`);
  const reservation = await call('POST', `/v1/sms/phone-numbers/${reserved}/reserve`, {
    expires_in: 3600,
    note: tag,
  });
  const minted = await call('POST', `/v1/organizations/${organization}/users/${user}/tokens`, {
    expires_in: 3600,
  });
  const created = await call('POST', '/v1/keys', {
    name: `a key of ${organization}`,
    permission: 'read',
    organization_id: organization,
  });
  const { carrier_account } = await call('POST', '/v1/carrier-accounts', {
    carrier: 'sandbox',
    name: `sandbox of ${organization}`,
  });
  await call('PATCH', '/v1/tenant', { purchases_enabled: true, max_numbers_per_organization: 1000 });
  const buying = { sms_active: true, carrier_account_id: carrier_account.id };
  await call('PATCH', `/v1/organizations/${organization}`, buying);
  const order = await buyOne(server, key, organization);
  // Nothing about it changes by itself while a test looks at it.
  await server.database.db
    .updateTable('phone_numbers')
    .set({ next_fee_at: null })
    .where('id', '=', order.phone_id)
    .execute();
  const drift = uniqueNumber();
  const compared = await newAccount(server, key);
  await own(server.database.db, compared, [{ phone_number: drift, tags: [tag], name: nickname }]);
  const run = await reconcile(server, compared, 'compare', undefined, key);
  return {
    organization,
    user,
    email,
    available,
    assigned,
    reserved,
    coolingDown,
    releasing,
    released,
    reservation: reservation.reservation_id,
    batch: events.at(-1).data.batch_id,
    order: order.id,
    bulk: order.bulk_id,
    token: minted.token.id,
    key: created.key.id,
    account: carrier_account.id,
    run: run.id,
    drift,
    tag,
    nickname,
  };
}

export const namesOfNobody = (): Names => ({
  organization: `org_${randomUUID()}`,
  user: `user_${randomUUID()}`,
  email: `${randomUUID()}@example.com`,
  available: uniqueNumber(),
  assigned: uniqueNumber(),
  reserved: uniqueNumber(),
  coolingDown: uniqueNumber(),
  releasing: uniqueNumber(),
  released: uniqueNumber(),
  reservation: randomUUID(),
  batch: randomUUID(),
  order: randomUUID(),
  bulk: randomUUID(),
  token: randomUUID(),
  key: randomUUID(),
  account: randomUUID(),
  run: randomUUID(),
  drift: uniqueNumber(),
  tag: `tag-${randomUUID()}`,
  nickname: `desk-${randomUUID()}`,
});

/** @returns the headers of a user's own calls, without any key */
export async function asUser(
  server: TestServer,
  organization: string,
  permission: 'admin' | 'user',
  user?: string,
): Promise<Record<string, string>> {
  const unique_id = user ?? (await newUser(server, organization));
  const path = `/v1/organizations/${organization}/users/${unique_id}`;
  await server.call('PATCH', path, { body: { permission } });
  const { body } = await server.call('POST', `${path}/tokens`, { body: { expires_in: 3600 } });
  return { authorization: `Bearer ${body.access_token}` };
}
