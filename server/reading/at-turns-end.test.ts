import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fastify } from 'fastify';
import { atTurnsEnd } from './at-turns-end.ts';

test('a reply that cannot be sent fails alone: the others of its turn are sent', async t => {
  const app = fastify();
  t.after(() => app.close());
  const answers: (() => void)[] = [];
  app.get('/:name', (request, reply) => {
    const { name } = request.params as { name: string };
    answers.push(() =>
      atTurnsEnd(reply, () => {
        if (name === 'broken') throw new Error('no such header');
        reply.send(name);
      }),
    );
    // All leave in one turn.
    if (answers.length === 3) for (const answer of answers) answer();
  });
  const url = await app.listen();
  const ask = async (name: string) => {
    const reply = await fetch(`${url}/${name}`);
    return reply.text();
  };
  const outcomes = await Promise.allSettled(['first', 'broken', 'last'].map(ask));
  assert.deepEqual(
    outcomes.map(outcome => (outcome.status === 'fulfilled' ? outcome.value : 'hung up')),
    ['first', 'hung up', 'last'],
  );
});
