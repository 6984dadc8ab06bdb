import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readHosts } from './hosts.ts';

const hosts = (url: string) => readHosts(url).map(({ connectionString }) => connectionString);

test('a URL names one server or several, as libpq has it', () => {
  for (const [url, ...servers] of [
    ['postgresql://me:secret@one/lines', 'postgresql://me:secret@one/lines'],
    ['postgres://one:5432,two:5433/lines', 'postgres://one:5432/lines', 'postgres://two:5433/lines'],
    [
      'postgresql://me:a%40b@one,two/lines?target_session_attrs=read-write&sslmode=require',
      'postgresql://me:a%40b@one/lines?sslmode=require',
      'postgresql://me:a%40b@two/lines?sslmode=require',
    ],
    [
      'postgresql://me@one/lines?sslmode=require&target_session_attrs=primary',
      'postgresql://me@one/lines?sslmode=require',
    ],
    ['postgresql://me@[::1]:5432/lines', 'postgresql://me@[::1]:5432/lines'],
    ['postgresql://me@/lines?host=/run/postgresql', 'postgresql://me@/lines?host=/run/postgresql'],
    ['socket:/run/postgresql?db=lines', 'socket:/run/postgresql?db=lines'],
  ] as const)
    assert.deepEqual(
      hosts(url).map(text => text!.replace(/[?&]$/, '')),
      servers,
    );
});

test('what is wrong with it is said in one line', () => {
  for (const url of ['postgresql://me:a b@c d/x', 'postgresql://one,/x', 'postgresql://me@one:port/x'])
    assert.throws(() => hosts(url), /^Error: DATABASE_URL is not a valid URL: write postgresql:\/\/user/);
  assert.throws(
    () => hosts('postgresql://one,two/x?target_session_attrs=standby'),
    /^Error: DATABASE_URL: target_session_attrs must be read-write, primary or any, and is standby/,
  );
});
