import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

/**
 * The rooms of the house, from the ground floor up. A file imports from its own room and from those before it.
 * A line names folders or files; the longest one that fits a file is its room.
 */
const rooms = [
  'schema',
  'phone-numbers',
  'carriers',
  'server/errors.ts',
  'server/numbers/metadata.ts',
  'server/numbers/field.ts',
  'server/numbers/fields.ts',
  'server/numbers/state.ts',
  'server/limits/limits.ts',
  'server/db',
  'server/access',
  'server/http',
  'server/revisions',
  'server/work',
  'server/limits',
  'server/accounts',
  'server/organizations',
  'server/keys',
  'server/tenants',
  'server/users',
  'server/numbers',
  'server/charges',
  'server/reading',
  'server/numbers/list',
  'server/numbers/life',
  'server/numbers/import',
  'server/numbers/at-carrier',
  'server/audit',
  'server/orders',
  'server/reconciliation',
  'server/health',
  'server/docs',
  'server/check',
  'server/demo',
  'server/config.ts',
  'server/log.ts',
  'server/app.ts',
  'server/serve.ts',
  'cli',
  'server/testing',
  'bench',
  'scripts',
];

const root = join(import.meta.dirname, '..');
const files = globSync(['{schema,phone-numbers,carriers,server,cli,bench,scripts}/**/*.ts'], { cwd: root })
  .filter(file => !/(\.test|\/testing)\.ts$|\/testing\//.test(file))
  .sort();

/** What a file imports of the project, types included. */
const importsOf = new Map(
  files.map(file => {
    const text = readFileSync(join(root, file), 'utf8');
    const targets = [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, path]) =>
      normalize(join(dirname(file), path!)),
    );
    return [file, targets.filter(target => target.endsWith('.ts'))];
  }),
);

function roomOf(file: string): number {
  const fitting = rooms.filter(room => file === room || file.startsWith(`${room}/`));
  const longest = fitting.sort((a, b) => b.length - a.length)[0];
  assert.ok(longest, `${file} is in no room: give it one here`);
  return rooms.indexOf(longest);
}

test('no file imports from a higher room', () => {
  const upward = [...importsOf].flatMap(([file, targets]) =>
    targets.filter(target => roomOf(target) > roomOf(file)).map(target => `${file} -> ${target}`),
  );
  assert.deepEqual(upward, []);
});

test('no files import each other in a circle', () => {
  const circles: string[] = [];
  const done = new Set<string>();
  function walk(file: string, path: string[]): void {
    const start = path.indexOf(file);
    if (start >= 0) circles.push([...path.slice(start), file].join(' -> '));
    if (start >= 0 || done.has(file)) return;
    for (const target of importsOf.get(file) ?? []) walk(target, [...path, file]);
    done.add(file);
  }
  for (const file of files) walk(file, []);
  assert.deepEqual(circles, []);
});

test('no folder has more than fifteen source files', () => {
  const sizes = Map.groupBy(files, file => dirname(file));
  const crowded = [...sizes].filter(([, inside]) => inside.length > 15).map(([folder]) => folder);
  assert.deepEqual(crowded, []);
});
