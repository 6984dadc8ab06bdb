import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfig, unknownVariables } from './config.ts';

const root = join(import.meta.dirname, '..');

test('a variable that nothing reads is unknown; of the others none is', () => {
  const files = globSync(['README.md', '{server,cli,bin}/**/*.{ts,mjs}'], { cwd: root }).filter(
    file => !file.endsWith('.test.ts'),
  );
  const texts = files.map(file => readFileSync(join(root, file), 'utf8')).join('\n');
  // A name that ends in _ is the beginning of several.
  const read = [...new Set(texts.match(/\bLINEKEEPER_[A-Z_]*[A-Z]\b/g))];
  assert.ok(read.includes('LINEKEEPER_HOME') && read.includes('LINEKEEPER_API_KEY'));
  const set = (names: string[]) => Object.fromEntries(names.map(name => [name, '1']));
  assert.deepEqual(unknownVariables(set(read)), []);
  const wrong = ['LINEKEEPER_CAHCE_MB', 'LINEKEEPER_PROCESSES', 'LINEKEEPER_'];
  assert.deepEqual(unknownVariables(set([...read, ...wrong, 'OTHER', 'PORT'])), wrong);
});

test('the sandbox is off where a database has real tenants, unless the operator wants it', () => {
  const DATABASE_URL = 'postgresql://db.example.com/linekeeper';
  const sandbox = (env: NodeJS.ProcessEnv) => readConfig(env).sandbox;
  assert.deepEqual(
    [
      sandbox({}),
      sandbox({ LINEKEEPER_SANDBOX: '0' }),
      sandbox({ DATABASE_URL }),
      sandbox({ DATABASE_URL, LINEKEEPER_DEMO: '1' }),
      sandbox({ DATABASE_URL, LINEKEEPER_SANDBOX: '1' }),
    ],
    [true, false, false, true, true],
  );
});
