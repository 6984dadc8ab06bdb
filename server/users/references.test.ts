import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type Caller, systemCaller } from '../access/caller.ts';
import type { UserStatus } from '../db/tables.ts';
import { createTenant } from '../tenants/tenants.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { fuzzing } from '../testing/runs.ts';
import { findActiveUsers, findAssignee, resolveUsers } from './references.ts';

let database: TestDatabase;
let caller: Caller;
before(async () => {
  database = await createTestDatabase();
  ({ caller } = await createTenant(database.db, 'Test', 'test'));
});
after(() => database.drop());

async function newOrganization(tenant = caller.tenantId): Promise<string> {
  const id = randomUUID();
  const row = { tenant_id: tenant, id, unique_id: id, name: 'Acme' };
  await database.db.insertInto('organizations').values(row).execute();
  return id;
}

type Person = { unique_id: string; email: string; status: UserStatus };

async function insertUser(organization: string, person: Person, tenant = caller.tenantId): Promise<string> {
  const id = randomUUID();
  const row = { tenant_id: tenant, organization_id: organization, id, name: 'Ann', ...person };
  await database.db.insertInto('users').values(row).execute();
  return id;
}

// Some unique_ids are e-mail addresses of others, so that the two kinds of reference collide.
const texts = [
  'ann@example.com',
  'Ann@Example.com',
  'bob@example.com',
  'BOB@example.com',
  'user_1',
  'USER_1',
];
const people = fc.uniqueArray(
  fc.record({
    unique_id: fc.constantFrom(...texts),
    email: fc.constantFrom('ann@example.com', 'BOB@example.com', 'Cleo@Example.com'),
    status: fc.constantFrom<UserStatus[]>('active', 'active', 'active', 'inactive', 'suspended'),
  }),
  { minLength: 1, comparator: (a, b) => a.unique_id === b.unique_id || a.email === b.email },
);
const references = fc.array(
  fc.record({
    place: fc.nat(1),
    user: fc.constantFrom(...texts, 'cleo@example.COM', 'nobody', '', "' or true --", '%'),
  }),
  { maxLength: 12 },
);

test('a reference means the active user with that unique_id, else the one with that e-mail address', () =>
  fc.assert(
    fc.asyncProperty(fc.tuple(people, people), references, async (teams, asked) => {
      const organizations = await Promise.all(teams.map(() => newOrganization()));
      const rows = await Promise.all(
        teams.map((team, place) =>
          Promise.all(
            team.map(async person => ({ ...person, id: await insertUser(organizations[place]!, person) })),
          ),
        ),
      );
      const wanted = asked.map(({ place, user }) => ({ organizationId: organizations[place]!, user }));
      const expected = asked.map(({ place, user }) => {
        const active = rows[place]!.filter(({ status }) => status === 'active');
        const found =
          active.find(({ unique_id }) => unique_id === user) ??
          active.find(({ email }) => email.toLowerCase() === user.toLowerCase());
        return found && { id: found.id, unique_id: found.unique_id };
      });
      assert.deepEqual(await findActiveUsers(database.db, caller, wanted), expected);
      for (const [index, { organizationId, user }] of wanted.entries()) {
        const one = findAssignee(database.db, caller, organizationId, user);
        assert.deepEqual(await one.catch(({ code }) => code), expected[index] ?? 'assignee_not_found');
      }
    }),
    fuzzing(40),
  ));

test('a reference means no user of another tenant', async () => {
  const other = await createTenant(database.db, 'Other', 'test');
  const organizationId = await newOrganization(other.id);
  const person = { unique_id: 'user_3', email: 'eve@example.com', status: 'active' } as const;
  await insertUser(organizationId, person, other.id);
  const wanted = [person.unique_id, person.email].map(user => ({ organizationId, user }));
  assert.deepEqual(await findActiveUsers(database.db, caller, wanted), [undefined, undefined]);
  await assert.rejects(findAssignee(database.db, caller, organizationId, person.unique_id), {
    code: 'assignee_not_found',
  });
  const owner = systemCaller(other.id, 'test');
  assert.equal((await findActiveUsers(database.db, owner, wanted)).filter(Boolean).length, 2);
});

test('a field that means no active user is named', async () => {
  const organization = await newOrganization();
  const person = { unique_id: 'user_4', email: 'fay@example.com', status: 'active' } as const;
  const id = await insertUser(organization, person);
  const fay = { id, unique_id: 'user_4' };
  const fields = ['user_4', 'fay@example.com'].map((user, index) => ({ user, field: `users[${index}]` }));
  const resolved = await resolveUsers(database.db, caller, organization, fields);
  assert.deepEqual([...resolved.values()], [fay, fay]);
  await assert.rejects(
    resolveUsers(database.db, caller, organization, [...fields, { user: 'user_5', field: 'users[2]' }]),
    { code: 'invalid_request', message: 'users[2]: no active user user_5 in this organization' },
  );
});
