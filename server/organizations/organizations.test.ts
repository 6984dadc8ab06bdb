import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { check } from '../check/check.ts';
import { newAccount, newNumbers, newOrganization } from '../testing/factories.ts';
import { asUser } from '../testing/names.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { OrganizationEditBody } from './schemas.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

const create = (body: object) => server.call('POST', '/v1/organizations', { body });
const get = async (id: string) => (await server.call('GET', `/v1/organizations/${id}`)).body.organization;
const edit = (id: string, body: object) => server.call('PATCH', `/v1/organizations/${id}`, { body });

test('a new organization has every field of the contract', async () => {
  const { status, body } = await create({ name: 'Acme Dental', contact_email: 'ops@acme.example' });
  assert.equal(status, 201);
  const { organization } = body;
  assert.match(organization.unique_id, /^org_[0-9a-f]{20}$/);
  const { id, tenant_id, unique_id, created_at } = organization;
  assert.match(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const fields = {
    unique_id,
    id,
    name: 'Acme Dental',
    organization_name: 'Acme Dental',
    tenant_id,
    status: 'active',
    contact_email: 'ops@acme.example',
    sms_active: false,
    teli_sms_number: null,
    sms_phone_number: null,
    sms_registration_status: 'not_started',
    registration_submitted_at: null,
    registration_approved_at: null,
    carrier_account_id: null,
    monthly_spending_cap: null,
    messaging_service_id: null,
    campaign_id: null,
    revision: 1,
    created_at,
    modified_at: created_at,
    updated_at: created_at,
  };
  assert.equal(JSON.stringify(organization), JSON.stringify(fields));
  assert.deepEqual(await get(unique_id), organization);
  const list = (await server.call('GET', '/v1/organizations')).body;
  assert.equal(list.count, list.organizations.length);
  assert.deepEqual(list.organizations.at(-1), organization);
});

test('a client may choose the unique_id, which must be new', async () => {
  for (const unique_id of ['1763070568417x631086913669115287', 'org_abc123', 'a.b:c-d_E', 'x'.repeat(128)]) {
    assert.equal((await create({ name: 'Own', unique_id })).body.organization.unique_id, unique_id);
    assert.equal((await get(unique_id)).unique_id, unique_id);
    const again = await create({ name: 'Own', unique_id });
    assert.equal(again.status, 409);
    assert.equal(again.body.error, 'An organization with this unique_id already exists');
  }
  for (const unique_id of ['', 'a b', 'a/b', 'é', 'x'.repeat(129), 7, null])
    assert.equal((await create({ name: 'Own', unique_id })).status, 400, `${unique_id}`);
  const race = await Promise.all(Array.from({ length: 8 }, () => create({ name: 'Own', unique_id: 'race' })));
  assert.deepEqual(race.map(reply => reply.status).sort(), [201, 409, 409, 409, 409, 409, 409, 409]);
});

test('a new registration status sets the date of its step', async () => {
  const organization = await newOrganization(server);
  await edit(organization, { sms_registration_status: 'brand_created' });
  assert.equal((await get(organization)).registration_submitted_at, null);
  const pending = (await edit(organization, { sms_registration_status: 'pending_approval' })).body
    .organization;
  assert.equal(pending.registration_submitted_at, pending.modified_at);
  assert.equal(pending.registration_approved_at, null);
  const body = { sms_registration_status: 'approved', sms_active: true };
  const approved = (await edit(organization, body)).body.organization;
  assert.equal(approved.registration_submitted_at, pending.registration_submitted_at);
  assert.equal(approved.registration_approved_at, approved.modified_at);
  assert.equal(approved.sms_active, true);
  assert.equal(approved.revision, 4);
});

test('an edit changes only the fields that it names', async () => {
  const organization = await newOrganization(server);
  const before = await get(organization);
  const { body } = await edit(organization, { name: 'New', status: 'suspended' });
  const { modified_at, updated_at, revision } = body.organization;
  assert.equal(updated_at, modified_at);
  assert.equal(revision, before.revision + 1);
  const changed = { name: 'New', organization_name: 'New', status: 'suspended', modified_at, updated_at };
  assert.deepEqual(body.organization, { ...before, ...changed, revision });
  const cleared = await edit(organization, { contact_email: null });
  assert.equal(cleared.body.organization.contact_email, null);
  const refusals: [object, string][] = [
    [{}, 'the body must have at least one field'],
    [{ name: '' }, 'name must not have fewer than 1 characters'],
    [{ status: 'gone' }, 'status must be one of active, suspended, inactive'],
    [{ sms_active: 'yes' }, 'sms_active must be true or false'],
    [{ unique_id: 'x' }, 'unique_id is not a known field'],
    [{ contact_email: 'nobody' }, 'contact_email must be an e-mail address such as john@company.com'],
  ];
  for (const [wrong, error] of refusals) {
    const reply = await edit(organization, wrong);
    assert.equal(reply.status, 400);
    assert.equal(reply.body.error, error);
  }
});

test("only the tenant's own keys make the tenant's decisions for an organization, and the log has them", async () => {
  const organization = await newOrganization(server);
  const decided = {
    carrier_account_id: await newAccount(server),
    monthly_spending_cap: 99.0007,
    messaging_service_id: `MG${'a'.repeat(32)}`,
    campaign_id: 'C-1',
  };
  const before = await get(organization);
  const { body } = await edit(organization, decided);
  const { modified_at, updated_at, revision } = body.organization;
  assert.deepEqual(body.organization, { ...before, ...decided, modified_at, updated_at, revision });
  assert.equal(revision, before.revision + 1);
  const again = await edit(organization, decided);
  assert.equal(again.body.organization.revision, revision);
  const none = Object.fromEntries(Object.keys(decided).map(field => [field, null]));
  assert.deepEqual((await edit(organization, none)).body.organization.campaign_id, null);
  const { events } = (await server.call('GET', `/v1/events?organization_id=${organization}`)).body;
  const changes = Object.entries(decided).map(([field, to]) => [field, { from: to, to: null }]);
  assert.deepEqual(events.at(-1).data.changes, Object.fromEntries(changes));
  assert.deepEqual((await check(server.database)).findings, []);

  const wrong: [object, RegExp][] = [
    [{ carrier_account_id: randomUUID() }, /^carrier_account_id must be the id of one of the tenant's/],
    [{ carrier_account_id: await newAccount(server, await server.newTenant()) }, /^carrier_account_id must/],
    [{ monthly_spending_cap: -1 }, /^monthly_spending_cap must be >= 0$/],
    [{ monthly_spending_cap: 0.00001 }, /^monthly_spending_cap must have at most 4 decimals$/],
    [
      { messaging_service_id: '../Keys' },
      /^messaging_service_id must be 1 to 100 letters, digits or _ . : - such as MG/,
    ],
    [{ campaign_id: '' }, /^campaign_id must be 1 to 100 letters/],
  ];
  for (const [body, error] of wrong) {
    const reply = await edit(organization, body);
    assert.equal(reply.status, 400);
    assert.match(reply.body.error, error);
  }
});

test('the first number of an organization is the one that it has had longest', async () => {
  const [organization, other] = [await newOrganization(server), await newOrganization(server)];
  const add = (to: string, ...numbers: string[]) =>
    newNumbers(
      server,
      to,
      numbers.map(phone_number => ({ phone_number })),
    );
  const first = async (of = organization) => {
    const { teli_sms_number, sms_phone_number } = await get(of);
    assert.equal(sms_phone_number, teli_sms_number);
    const { organizations } = (await server.call('GET', '/v1/organizations')).body;
    const listed = organizations.find((one: { unique_id: string }) => one.unique_id === of);
    assert.equal(listed.teli_sms_number, teli_sms_number);
    return teli_sms_number;
  };
  const transfer = async (to: string, ...numbers: string[]) => {
    const items = numbers.map(phone_number => ({ action: 'transfer', phone_number, to_organization_id: to }));
    const reply = await server.call('POST', '/v1/sms/phone-numbers/bulk', { body: { items, atomic: true } });
    assert.equal(reply.status, 200, reply.text);
  };
  const [oldest, old, ...together] = [
    '+14155550199',
    '+14155550198',
    '+14155550150',
    '+14155550151',
  ] as const;
  await add(other, oldest);
  await add(organization, old);
  // Of numbers that come together, the lowest.
  await add(organization, together[1]!, together[0]!);
  assert.equal(await first(), old);
  // One that was created earlier counts from its transfer.
  await transfer(organization, oldest);
  assert.equal(await first(), old);
  assert.equal(await first(other), null);
  await server.call('DELETE', `/v1/sms/phone-numbers/${old}`);
  assert.equal(await first(), '+14155550150');
  // It comes back, and is the last now.
  await transfer(other, ...together);
  assert.deepEqual([await first(), await first(other)], [oldest, '+14155550150']);
  await add(other, '+14155550100');
  assert.equal(await first(other), '+14155550150');
  await transfer(organization, ...together);
  assert.deepEqual([await first(), await first(other)], [oldest, '+14155550100']);
  await server.call('DELETE', `/v1/sms/phone-numbers/${oldest}`);
  assert.equal(await first(), '+14155550150');
  // One that is added again comes in anew.
  await add(organization, oldest);
  assert.equal(await first(), '+14155550150');
  assert.deepEqual((await check(server.database)).findings, []);
});

test('an organization edits its name and address; every other field is the decision of its tenant', async () => {
  const organization = await newOrganization(server);
  await edit(organization, { status: 'suspended', sms_active: false, sms_registration_status: 'rejected' });
  const admin = await asUser(server, organization, 'admin');
  const bound = await server.newKey({ organization_id: organization });
  const before = await get(organization);
  const path = `/v1/organizations/${organization}`;
  const own: Record<string, unknown> = { name: 'Renamed', contact_email: 'ops@acme.example' };
  const decided: Record<string, unknown> = {
    ...{ status: 'active', sms_active: true, sms_registration_status: 'approved' },
    ...{
      carrier_account_id: null,
      monthly_spending_cap: null,
      messaging_service_id: null,
      campaign_id: null,
    },
  };
  // A field that is added to the body must be added here, to one or the other.
  assert.deepEqual(
    Object.keys(OrganizationEditBody.properties).sort(),
    Object.keys({ ...own, ...decided }).sort(),
  );
  for (const [field, value] of Object.entries(decided)) {
    const options = { body: { name: 'Renamed', [field]: value } };
    const codes = [
      await server.call('PATCH', path, { ...options, key: bound }),
      await server.call('PATCH', path, { ...options, key: '', headers: admin }),
    ].map(reply => reply.body.code);
    assert.deepEqual(codes, ['key_bound', 'admin_required'], field);
  }
  assert.deepEqual(await get(organization), before);
  for (const caller of [{ key: bound }, { key: '', headers: admin }])
    for (const [field, value] of Object.entries(own))
      assert.equal((await server.call('PATCH', path, { ...caller, body: { [field]: value } })).status, 200);
});

test('an organization that does not exist is a 404', async () => {
  for (const reply of [
    await server.call('GET', '/v1/organizations/org_unknown'),
    await edit('org_unknown', { name: 'x' }),
    await server.call('GET', '/v1/organizations/org_unknown/users'),
  ]) {
    assert.equal(reply.status, 404);
    assert.equal(reply.body.error, 'Organization not found');
    assert.equal(reply.body.code, 'organization_not_found');
  }
});
