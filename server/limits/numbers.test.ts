import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { newNumbers, newOrganization, uniqueNumber } from '../testing/factories.ts';
import { limitTenant } from '../testing/limits.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { openShop } from '../testing/shop.ts';

let server: TestServer;
let key: string;
let organization: string;
before(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  key = await server.newTenant();
  organization = await newOrganization(server, key);
});
after(() => server.stop());

const call = (method: string, path: string, body?: object) =>
  server.call(method, path, { key, ...(body && { body }) });
const add = (count: number, organization_id = organization) =>
  call('POST', '/v1/sms/phone-numbers', {
    organization_id,
    phone_numbers: Array.from({ length: count }, () => ({ phone_number: uniqueNumber() })),
  });
const importRows = (count: number, more = '') =>
  server.call('POST', `/v1/sms/phone-numbers/import?organization_id=${organization}${more}`, {
    key,
    body: ['phone_number', ...Array.from({ length: count }, uniqueNumber), ''].join('\n'),
    headers: { 'content-type': 'text/csv' },
  });
const used = async () => {
  const { limits } = (await call('GET', '/v1/limits')).body;
  const { max, used } = limits.find(({ limit }: { limit: string }) => limit === 'numbers');
  return [used, max];
};
function assertFull({ status, body }: { status: number; body: { code: string; detail: string } }): void {
  assert.deepEqual([status, body.code], [409, 'tenant_limit_reached']);
  assert.match(
    body.detail,
    /^numbers: the tenant may have \d+, has or is buying \d+, and \d+ more were to come/,
  );
}

test('no more numbers come in than the tenant may have, over all its organizations', async () => {
  await newNumbers(server, organization, undefined, key);
  await limitTenant(server, key, { numbers: 4 });
  assert.equal((await add(2)).status, 201);
  const other = await newOrganization(server, key);
  assertFull(await add(2, other));
  assert.equal((await add(1, other)).status, 201);
  assertFull(await add(1));
  assert.deepEqual(await used(), [4, 4]);
  // A refused change leaves nothing.
  const { body } = await call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`);
  assert.equal(body.phone_numbers.length, 3);

  // A transfer within the tenant is no arrival.
  const path = `/v1/sms/phone-numbers/${body.phone_numbers[0].phone_number}`;
  assert.equal((await call('POST', `${path}/transfer`, { to_organization_id: other })).status, 200);
  assertFull(await add(1));
  // What is released leaves room.
  assert.equal((await call('DELETE', path)).status, 200);
  assert.equal((await add(1)).status, 201);
  assertFull(await add(1));
  // So does the operator, who may also take the limit away, or set it below what is there.
  await limitTenant(server, key, { numbers: 5 });
  assert.equal((await add(1)).status, 201);
  await limitTenant(server, key, { numbers: 1 });
  assertFull(await add(1));
  assert.deepEqual(await used(), [5, 1]);
  await limitTenant(server, key, { numbers: null });
  assert.equal((await add(3)).status, 201);
});

test('an import is refused as a whole, and a dry run says so', async () => {
  await limitTenant(server, key, { numbers: 10 });
  for (const more of ['&dry_run=true', '']) assertFull(await importRows(11, more));
  assert.deepEqual(await used(), [0, 10]);
  for (let count = 0; count < 3; count++) assert.equal((await importRows(10, '&dry_run=true')).status, 200);
  const done = await importRows(10);
  assert.deepEqual([done.status, done.body.imported], [200, 10]);
  assertFull(await importRows(1));
});

test('an order takes its room when it is placed, and gives it back if it fails', async () => {
  await openShop(server, key, organization);
  await limitTenant(server, key, { numbers: 2 });
  const buy = (area_code = '415') =>
    call('POST', '/v1/sms/phone-numbers/purchase', { organization_id: organization, area_code });
  assert.equal((await buy()).status, 200);
  // The sandbox sells no numbers of this area code.
  const failed = await buy('999');
  assert.notEqual(failed.status, 200);
  assert.notEqual(failed.body.code, 'tenant_limit_reached');
  assert.equal((await buy()).status, 200);
  assertFull(await buy());
  assertFull(await add(1));
  assert.deepEqual(await used(), [2, 2]);
});

test('arrivals that come together in many organizations do not exceed the limit together', async () => {
  const organizations = [organization];
  while (organizations.length < 8) organizations.push(await newOrganization(server, key));
  await limitTenant(server, key, { numbers: 20 });
  const replies = await Promise.all(
    Array.from({ length: 40 }, (_, place) =>
      place % 10 === 9 ? importRows(3) : add(1, organizations[place % organizations.length]),
    ),
  );
  const came = replies.map(({ status, body }) => {
    if (status === 409) assertFull({ status, body });
    else assert.ok(status === 200 || status === 201, `${status}`);
    return status === 201 ? 1 : status === 200 ? body.imported : 0;
  });
  const [now, max] = await used();
  assert.equal(
    came.reduce((sum, count) => sum + count, 0),
    now,
  );
  assert.ok(now <= max, `${now} of ${max}`);
  // Single ones come in as long as there is room.
  assert.ok(now >= 18, `${now} of ${max}`);
});
