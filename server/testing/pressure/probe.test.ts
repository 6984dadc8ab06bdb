import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { newFolder } from '../process.ts';
import { openGauge } from './gauge.ts';
import { probeVariable } from './probe.ts';

/** Works for 100 ms of processor time in one turn of its loop, and for as long in many, whenever it is told to. */
const program = `
const work = ms => {
  const used = () => { const { user, system } = process.threadCpuUsage(); return (user + system) / 1000; };
  for (const end = used() + ms; used() < end;);
};
process.stdin.on('data', async text => {
  if (String(text) === 'one turn') work(100);
  else for (let turn = 0; turn < 20; turn++) {
    work(5);
    await new Promise(setImmediate);
  }
  process.stdout.write('done');
});
process.stdout.write('ready');`;

test('the longest turn of the event loop is measured, in processor time', async t => {
  const path = join(await newFolder(t, 0o700), 'probe');
  const probe = join(import.meta.dirname, 'probe.ts');
  const child = spawn(process.execPath, ['--import', probe, '--eval', program], {
    env: { [probeVariable]: path },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill());
  await once(child.stdout, 'data');
  const gauge = await openGauge(child.pid!, path);
  const longest = async (what: string) => {
    await gauge.reset();
    child.stdin.write(what);
    await once(child.stdout, 'data');
    return (await gauge.read()).turn.ms;
  };
  const [one, many] = [await longest('one turn'), await longest('many turns')];
  assert.ok(one >= 95, `${one} ms`);
  assert.ok(many < 95, `${many} ms`);
});
