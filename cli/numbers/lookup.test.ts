import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../server/testing/factories.ts';
import { CommandLine, linekeeper } from '../testing/command-line.ts';

let organization: string;
const [taken, free, unknown] = [uniqueNumber(), uniqueNumber(), uniqueNumber()];
const cli = new CommandLine(async server => {
  organization = await newOrganization(server);
  const user_id = await newUser(server, organization);
  await newNumbers(server, organization, [
    { phone_number: taken, nickname: 'Sales', user_id },
    { phone_number: free },
  ]);
});

const lookup = (args: string[], input = '') => linekeeper(['numbers', 'lookup', ...args], cli.env, input);
const answer = async (phone_numbers: string[]) =>
  (await cli.server.call('POST', '/v1/sms/phone-numbers/lookup', { body: { phone_numbers } })).text;

test('numbers are a table for people, in the order asked', async () => {
  const { code, stdout, stderr } = await lookup([free, unknown, taken.slice(2)]);
  const [headings, ...rows] = stdout.trimEnd().split('\n');
  assert.match(headings!, /^ASKED +NUMBER +STATUS +ORGANIZATION +ASSIGNED TO +NICKNAME$/);
  assert.match(rows[0]!, new RegExp(`^\\${free} +\\${free} +available +${organization} +- +-$`));
  assert.match(rows[1]!, new RegExp(`^\\${unknown} +- +- +- +- +-$`));
  assert.match(
    rows[2]!,
    new RegExp(`^${taken.slice(2)} +\\${taken} +assigned +${organization} +Ann Example <.*> +Sales$`),
  );
  assert.deepEqual([code, rows.length, stderr], [0, 3, '2 of 3 numbers found\n']);
});

test('--json prints the body of the server', async () => {
  const asked = [taken, unknown, free, taken];
  const { code, stdout, stderr } = await lookup([...asked, '--json']);
  assert.deepEqual([code, stdout, stderr], [0, `${await answer(asked)}\n`, '']);
});

test('stdin may have more numbers than a call takes, and the result is one document', async () => {
  const asked = Array.from({ length: 2003 }, (_, index) => [taken, unknown, free][index % 3]!);
  const input = `${asked.join('\r\n')}\n\n`;
  const { code, stdout } = await lookup(['-', '--json'], input);
  assert.equal(code, 0);
  const { results, ...rest } = JSON.parse(stdout);
  assert.deepEqual(
    results.map((one: { asked: string }) => one.asked),
    asked,
  );
  const count = asked.filter(number => number !== unknown).length;
  assert.deepEqual(rest, { success: true, count, powered_by: 'Teli' });
  const people = await lookup(['-'], input);
  assert.equal(people.stdout.trimEnd().split('\n').length, 2004);
  assert.equal(people.stderr, `${count.toLocaleString('en-US')} of 2,003 numbers found\n`);
});

test('an empty stdin finds nothing', async () => {
  assert.deepEqual(await lookup(['-']), { code: 0, stdout: '', stderr: '0 of 0 numbers found\n' });
  assert.deepEqual(JSON.parse((await lookup(['-', '--json'])).stdout), {
    success: true,
    results: [],
    count: 0,
  });
});

test('a bad number is named as it was given, in any group', async () => {
  const input = `${Array(1500).fill(free).join('\n')}\n415-555-12\n`;
  const { code, stderr } = await lookup(['-'], input);
  assert.equal(code, 1);
  assert.match(stderr, /^error: "415-555-12" has 8 digits after \+1 instead of 10\n {7}request_id /);
  const json = await lookup(['415-555-12', '--json']);
  assert.deepEqual([json.code, json.stdout], [1, '']);
  assert.equal(JSON.parse(json.stderr).code, 'invalid_request');
  assert.equal((await lookup(['none'])).code, 2);
});
