import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createDemo } from '../demo/demo.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';

let server: TestServer;
let demoKey: string;
before(async () => {
  server = await startTestServer();
  await server.database.db.deleteFrom('api_keys').execute();
  await server.database.db.deleteFrom('tenants').execute();
  await createDemo(server.database.db, async secret => {
    demoKey = secret;
  });
});
after(() => server.stop());

/** The published example response, to the letter. */
const published = {
  success: true,
  phone_numbers: [
    {
      id: '6d7f8580-2c18-4ca9-8917-c9ca121a2c49',
      phone_number: '+14155551234',
      pretty_phone_number: '+1 415-555-1234',
      nickname: 'Sales Line',
      is_available: false,
      assigned_to: { user_id: 'user_xyz789', email: 'john@company.com', name: 'John Smith' },
      assigned_at: '2024-01-15T10:30:00Z',
      created_at: '2024-01-10T09:00:00Z',
    },
    {
      id: '8a2b3c4d-5e6f-7890-abcd-ef1234567890',
      phone_number: '+14155555678',
      pretty_phone_number: '+1 415-555-5678',
      nickname: null,
      is_available: true,
      assigned_to: null,
      assigned_at: null,
      created_at: '2024-01-12T14:00:00Z',
    },
  ],
  count: 2,
  powered_by: 'Teli',
};

test('the demonstration answers with the published example, byte for byte', async () => {
  const reply = await server.call('GET', '/v1/sms/phone-numbers?organization_id=org_abc123', {
    key: demoKey,
  });
  assert.equal(reply.status, 200);
  assert.equal(reply.text, JSON.stringify(published));
});

test('include_assigned=false and /available return only the pool', async () => {
  const pool = JSON.stringify({ ...published, phone_numbers: [published.phone_numbers[1]], count: 1 });
  for (const path of ['?include_assigned=false&', '/available?']) {
    const reply = await server.call('GET', `/v1/sms/phone-numbers${path}organization_id=org_abc123`, {
      key: demoKey,
    });
    assert.equal(reply.text, pool);
  }
});

test('without a key: 401', async () => {
  const reply = await server.call('GET', '/v1/sms/phone-numbers?organization_id=org_abc123', { key: '' });
  assert.equal(reply.status, 401);
  assert.equal(reply.body.error, 'API key is required');
});
