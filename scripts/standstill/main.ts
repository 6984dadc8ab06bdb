import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '../../server/db/database.ts';
import { startEmbedded } from '../../server/db/embedded.ts';
import { migrate } from '../../server/db/migrate.ts';
import { templateName } from '../../server/testing/database.ts';
import { type Input, inputsOf, prepare } from './inputs.ts';

/*
 * Sends the worst inputs of every route to a server and prints how long its event loop stood still, in processor time of
 * its main thread, and how much memory it took: npm run standstill -- [words of the inputs].
 */

const words = process.argv.slice(2);
const postgres = process.env.TEST_POSTGRES === undefined ? await startPostgres() : undefined;
const child = fork(join(import.meta.dirname, 'server.ts'), { execArgv: ['--expose-gc'] });
// biome-ignore lint/suspicious/noExplicitAny: each message has a form of its own
const told = () => new Promise<any>(resolve => child.once('message', resolve));
const { url, key, connection } = await told();

const ask = (message: string) => {
  const answer = told();
  child.send(message);
  return answer;
};

type Answer = { status: number; bytes: number; text: string; ms: number };

function send({ method, path, key: own = key, body, headers = {}, unread }: Input): Promise<Answer> {
  const began = Date.now();
  return new Promise(resolve => {
    const sent = request(url + path, {
      method,
      agent: false,
      headers: {
        ...(own === key ? { 'x-api-key': own } : { authorization: `Bearer ${own}` }),
        ...(body !== undefined && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        }),
        ...headers,
      },
    });
    sent.on('response', async response => {
      if (unread) await sleep(3000);
      let bytes = 0;
      let text = '';
      response.on('data', piece => {
        bytes += piece.length;
        if (text.length < 200_000) text += piece;
      });
      response.on('close', () =>
        resolve({ status: response.statusCode!, bytes, text, ms: Date.now() - began }),
      );
    });
    sent.on('error', error => resolve({ status: 0, bytes: 0, text: String(error), ms: Date.now() - began }));
    sent.end(body);
  });
}

const call = async (method: string, path: string, body: unknown) => {
  const { status, text } = await send({ name: '', method, path, body: JSON.stringify(body) });
  if (status >= 300) throw new Error(`${method} ${path}: ${text.slice(0, 300)}`);
  return text.length < 200_000 ? JSON.parse(text) : undefined;
};

const made = await prepare({ call, key }, connection);
await ask('collect');
await sleep(500);
const idle = (await ask('collect')).rssMb;
console.log(`idle: ${Math.round(idle)} MB`);
console.log('input | at once | status | answer kB | ms | stand-still ms | MB above idle');
for (const input of inputsOf(made)) {
  const { name, times = 1 } = input;
  if (words.length > 0 && !words.some(word => name.includes(word))) continue;
  await ask('collect');
  await sleep(200);
  await ask('collect');
  await sleep(20);
  await ask('');
  const answers = await Promise.all(Array.from({ length: times }, () => send(input)));
  const { standstillMs, rssMb } = await ask('');
  const statuses = [...new Set(answers.map(({ status }) => status))].join();
  const kb = Math.round(answers[0]!.bytes / 1024);
  console.log(
    `${name} | ${times} | ${statuses} | ${kb} | ${Math.max(...answers.map(({ ms }) => ms))} | ${standstillMs.toFixed(1)} | ${Math.round(rssMb - idle)}`,
  );
  if (answers.some(({ status }) => status === 0 || status >= 500))
    console.log(
      '    ' +
        (answers.find(({ status }) => status === 0 || status >= 500) ?? answers[0]!).text.slice(0, 300),
    );
}
const gone = new Promise(resolve => child.once('exit', resolve));
child.send('stop');
await gone;
await postgres?.stop();

async function startPostgres() {
  const home = await mkdtemp(join(tmpdir(), 'lk-standstill-'));
  const embedded = await startEmbedded(home, () => {});
  const postgres = openDatabase(embedded.connection);
  await postgres.pool.query(`create database ${templateName}`);
  await postgres.close();
  const template = openDatabase({ ...embedded.connection, database: templateName });
  await migrate(template);
  await template.close();
  process.env.TEST_POSTGRES = JSON.stringify(embedded.connection);
  return {
    async stop() {
      await embedded.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
