import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { createProgram } from './program.ts';
import { linekeeper } from './testing/command-line.ts';

const commandsUnder = (command: Command): Command[] => [command, ...command.commands.flatMap(commandsUnder)];

test('the help of every command has an example of it', () => {
  for (const command of commandsUnder(createProgram())) {
    let help = '';
    command.configureOutput({
      writeOut: text => {
        help += text;
      },
    });
    command.outputHelp();
    let name = command.name();
    for (let parent = command.parent; parent; parent = parent.parent) name = `${parent.name()} ${name}`;
    assert.match(help, new RegExp(`\nExamples?:\n(  .*\n)*  .*${name}`), name);
  }
});

test('every command that prints has --json', () => {
  for (const command of commandsUnder(createProgram())) {
    if (command.commands.length > 0 || ['serve', 'export'].includes(command.name())) continue;
    assert.ok(
      command.options.some(option => option.long === '--json'),
      command.name(),
    );
  }
});

test('every command that sends a change has --idempotency-key', () => {
  const names = commandsUnder(createProgram())
    .filter(command => command.commands.length === 0)
    .filter(command => !command.options.some(option => option.long === '--idempotency-key'))
    .map(command => `${command.parent!.name()} ${command.name()}`.replace('linekeeper ', ''))
    .filter(
      name =>
        !/^usage$| (list|export|show|lookup|search|follow|history|summary|kinds|sandbox|runs|drift)$/.test(
          name,
        ),
    );
  // These work on the machine itself.
  assert.deepEqual(names.sort(), [
    'charge-weeks',
    'check',
    'migrate',
    'serve',
    'tenants create',
    'tenants limit',
  ]);
});

test('--version and --help end with 0, and --help names the exit codes', async () => {
  const version = await linekeeper(['--version']);
  assert.deepEqual(version, { code: 0, stdout: `${manifest.version}\n`, stderr: '' });
  const help = await linekeeper(['--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /Exit codes:\n {2}0 {2}done\n.*\n {2}2 {2}wrong usage\n/);
});

const misuses: [string[], RegExp][] = [
  [[], /Usage: linekeeper/],
  [['nope'], /unknown command 'nope'\nSee `linekeeper --help`/],
  [['organisation'], /unknown command 'organisation'\n\(Did you mean organizations\?\)/],
  [
    ['numbers', 'list', '--organisation', 'o'],
    /'--organisation'\n\(Did you mean --organization\?\)\nSee `linekeeper numbers list --help`/,
  ],
  [['numbers'], /Usage: linekeeper numbers/],
  [['numbers', 'list'], /required option '--organization/],
  [['numbers', 'list', '--organization', 'o', '--limit', '0'], /whole number from 1/],
  [['numbers', 'show', 'available'], /not a phone number/],
  [['numbers', 'import', 'numbers.txt', '--organization', 'o'], /--format csv or --format ndjson/],
  [['numbers', 'edit', '+14155551234'], /nothing to change/],
  [['numbers', 'edit', '+14155551234', '--lock', '--unlock'], /cannot be used with option '--unlock'/],
  [['numbers', 'edit', '+14155551234', '--metadata', '[]'], /must be a JSON object/],
  [['numbers', 'reserve', '+14155551234', '--for', '15'], /must be a duration such as 90s/],
  [['reservations', 'renew', 'r', '--for', '1h30m'], /must be a duration/],
  [['numbers', 'claim', '--organization', 'o'], /required option '--user/],
  [['numbers', 'release', '+14155551234', '--if-match', 'x'], /must be a revision/],
  [['numbers', 'release', '+14155551234', '--idempotency-key', 'a b'], /without a space/],
  [['numbers', 'list', '--organization', 'o', '--status', 'lost'], /Allowed choices are pending/],
  [['events', 'follow'], /required option '--organization/],
  [['settings', 'edit'], /nothing to change/],
  [['settings', 'edit', '--cool-down', 'long'], /must be a duration/],
  [['organizations', 'show', '..'], /is not an id/],
  [['organizations', 'edit', 'o'], /nothing to change/],
  [['keys', 'create', 'x', '--permission', 'root'], /Allowed choices are admin, read/],
  [['keys', 'limit', 'x'], /nothing to change/],
  [['keys', 'limit', 'x', '--requests-per-day', '1.5'], /a whole number from 1 to .*, or none/],
  [['tenants', 'limit', 'x', '--connections', '0'], /a whole number from 1 to .*, or none/],
  [['settings', 'edit', '--purchase-fee', '1.00001'], /up to 4 decimals/],
  [['settings', 'edit', '--purchases', 'yes'], /Allowed choices are on, off/],
  [['carriers', 'add', 'twilio'], /required option '--name/],
  [['carriers', 'edit', 'a'], /nothing to change/],
  [['carriers', 'faults', 'a', 'buy'], /must be call:kind/],
  [['carriers', 'adopt', 'a'], /Say where the numbers go/],
  [['carriers', 'adopt', 'a', '--rule', 'tag=acme'], /a colon and an organization/],
  [['carriers', 'adopt', 'a', '--rule', 'color=red:o'], /"color=red" is not a condition/],
  [['carriers', 'resolve', 'r', '+14155551234'], /Give exactly one of/],
  [['carriers', 'resolve', 'r', '+14155551234', '--link', '--forget'], /Give exactly one of/],
  [['tenants', 'create', ' '], /needs a name/],
];
for (const [args, message] of misuses) {
  test(`wrong usage ends with 2: ${args.join(' ') || 'nothing'}`, async () => {
    const { code, stdout, stderr } = await linekeeper(args, { LINEKEEPER_API_KEY: 'x' });
    assert.match(stderr, message);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
  });
}

test('commands that speak HTTP start without the code of the server', async () => {
  const hook =
    'import { registerHooks } from "node:module"; registerHooks({ load(url, context, next) { console.error(url); return next(url, context); } })';
  const args = [
    '--import',
    `data:text/javascript,${hook}`,
    join(import.meta.dirname, 'main.ts'),
    '--version',
  ];
  const { stderr } = await promisify(execFile)(process.execPath, args);
  assert.match(stderr, /\/cli\/numbers\/commands\.ts/);
  const loaded = stderr.split('\n').filter(url => /\/(server|node_modules)\//.test(url));
  // The options of a number's fields come from the server's list of fields, whose schemas stand on Ajv.
  const fields = /\/server\/(errors|numbers\/(fields|metadata|state))\.ts$/;
  const packages = /\/node_modules\/(commander|ajv|fast-deep-equal|fast-uri|json-schema-traverse)\//;
  assert.deepEqual(
    loaded.filter(url => !fields.test(url) && !packages.test(url)),
    [],
  );
});
