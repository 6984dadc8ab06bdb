import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { testPostgres } from '../../server/testing/database.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../server/testing/factories.ts';
import { startTestServer } from '../../server/testing/server.ts';
import { linekeeper } from '../testing/command-line.ts';

test('check says that all is well, and names a row that was tampered with', async () => {
  const server = await startTestServer();
  try {
    const { host, user } = testPostgres();
    const name = server.database.connection.database;
    const env = { DATABASE_URL: `postgresql://${user}@/${name}?host=${encodeURIComponent(host!)}` };
    const organization = await newOrganization(server);
    const number = uniqueNumber();
    const ann = await newUser(server, organization);
    await newNumbers(server, organization, [{ phone_number: number, user_id: ann }]);
    const well = await linekeeper(['check'], env);
    const seen = '1 organization, 3 events, 1 number';
    assert.deepEqual(well, { code: 0, stdout: `All is well: ${seen}\n`, stderr: '' });

    await sql`update phone_numbers set nickname = E'\x1b[31mred'`.execute(server.database.db);
    const found = await linekeeper(['check'], env);
    assert.deepEqual([found.code, found.stderr], [1, `1 finding: ${seen}\n`]);
    assert.ok(found.stdout.startsWith(`${organization}: number ${number}: nickname is "`), found.stdout);
    assert.equal(found.stdout.split('\n').length, 2);

    const json = await linekeeper(['check', '--json'], env);
    assert.deepEqual([json.code, json.stderr], [1, '']);
    const { findings, ...counts } = JSON.parse(json.stdout);
    assert.deepEqual(counts, { organizations: 1, events: 3, numbers: 1 });
    assert.deepEqual([findings.length, findings[0].organization], [1, organization]);
  } finally {
    await server.stop();
  }
});
