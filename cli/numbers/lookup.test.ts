import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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

const lookup = (args: string[], input: string | Buffer = '') =>
  linekeeper(['numbers', 'lookup', ...args], cli.env, input);
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

test('text that is no number is reported with its line, and the others are answered', async () => {
  const input = `caller\n\n${Array(1500).fill(free).join('\n')}\n415-555-12\n\n${taken}\nx\0\n${'y'.repeat(2_000_000)}`;
  const people = await lookup(['-'], input);
  assert.equal(people.code, 4);
  const [found, wrong] = people.stdout.split('\n\n');
  assert.equal(found!.split('\n').length, 1 + 1505);
  assert.match(
    wrong!,
    /^LINE +NUMBER +REASON\n1 +caller +phone_number is not a phone number\n1503 +415-555-12 +phone_number has 8 digits after/,
  );
  assert.deepEqual(
    wrong!
      .trimEnd()
      .split('\n')
      .map(line => line.split(' ')[0]),
    ['LINE', '1', '1503', '1506', '1507'],
  );
  assert.equal(people.stderr, '1,501 of 1,505 numbers found\n');
  const json = await lookup(['-', '--json'], input);
  assert.deepEqual([json.code, json.stderr], [4, '']);
  const { success, count, results } = JSON.parse(json.stdout);
  assert.deepEqual([success, count, results.length], [true, 1501, 1505]);
  assert.deepEqual(results[0], {
    asked: 'caller',
    phone_number: null,
    code: 'invalid_request',
    error: 'phone_number is not a phone number',
    line: 1,
  });
  assert.deepEqual(
    results.flatMap(({ line }: { line?: number }) => line ?? []),
    [1, 1503, 1506, 1507],
  );
});

test('a wrong word beside numbers is wrong alone, and words without any number are wrong usage', async () => {
  const { code, stdout } = await lookup([free, '415-555-12', 'anonymous']);
  assert.match(stdout, /\n\nNUMBER +REASON\n415-555-12 +phone_number has .*\nanonymous +phone_number is not/);
  assert.equal(code, 4);
  assert.equal((await lookup(['none'])).code, 2);
});

test('the lines may be as editors and spreadsheets write them', async () => {
  const texts = [`\ufeff${free}\r\n${taken}\r\n`, `${free}\r\r${taken}\r`, `${free}\n\n ${taken}`];
  const inputs = texts.flatMap(text => {
    const utf16 = Buffer.from(text, 'utf16le');
    return [Buffer.from(text), utf16, Buffer.from(utf16).swap16()];
  });
  for (const input of inputs)
    assert.equal((await lookup(['-'], input)).stderr, '2 of 2 numbers found\n', input.toString('latin1'));
});

test('--json is one whole document, also if a later call fails', async () => {
  let calls = 0;
  const failing = createServer((request, reply) => {
    request.resume().on('end', () => {
      const answer = { success: true, results: [{ asked: '1', phone_number: null }], count: 0 };
      const error = { success: false, error: 'Invalid API key', code: 'api_key_invalid', request_id: 'x' };
      reply.writeHead(++calls === 1 ? 200 : 401).end(JSON.stringify(calls === 1 ? answer : error));
    });
  });
  await new Promise<void>(resolve => failing.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(failing.address() as AddressInfo).port}`;
    const env = { ...cli.env, LINEKEEPER_URL: url };
    const input = `${free}\n`.repeat(1001);
    const { code, stdout, stderr } = await linekeeper(['numbers', 'lookup', '-', '--json'], env, input);
    assert.equal(code, 1);
    const { results, ...rest } = JSON.parse(stdout);
    assert.equal(results.length, 1);
    assert.deepEqual(rest, {
      count: 0,
      success: false,
      error: 'Invalid API key',
      code: 'api_key_invalid',
      request_id: 'x',
    });
    assert.equal(JSON.parse(stderr).code, 'api_key_invalid');
  } finally {
    failing.close();
  }
});
