import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { endInTime } from '../pace/long-answers.ts';
import { type AllShares, inTurn } from '../shares.ts';
import { holdAnswer } from './budget.ts';
import { giveWay } from './turns.ts';

/** A list of fewer rows is built at once. */
export const rowsAtOnce = 500;

const rowsPerPiece = 200;

/** The length of an id and the comma after it. */
const idLength = 37;

type LongList = {
  /** The name of the list in the answer. */
  name: string;
  /** The ids of all rows as text, with commas between them, in order. Rows that have been made are never deleted. */
  ids: string;
  /** Reads the rows with these ids, in the order of the list, as they are in the answer. */
  read: (ids: string) => Promise<object[]>;
  brand: string;
};

/**
 * Answers with a list that is too long to be built at once: its rows are read as fast as the client takes them. Nothing is
 * held at the client's pace but the ids, so a row is as it is when it is sent.
 */
export async function sendLongList(
  shares: AllShares,
  request: FastifyRequest,
  reply: FastifyReply,
  { name, ids, read, brand }: LongList,
): Promise<never> {
  await holdAnswer(shares.answerBytes, request, reply, ids.length);
  reply.raw.once('close', endInTime(request, reply));
  const count = Math.ceil(ids.length / idLength);
  async function* pieces() {
    let before = `{"success":true,"count":${count},${JSON.stringify(name)}:[`;
    for (let from = 0; from < ids.length; from += rowsPerPiece * idLength) {
      const some = ids.slice(from, from + rowsPerPiece * idLength - 1);
      const rows = await inTurn(shares.requests, request.caller.tenantId, () => read(some));
      await giveWay();
      yield before + rows.map(row => JSON.stringify(row)).join();
      before = ',';
    }
    yield `],"powered_by":${JSON.stringify(brand)}}`;
  }
  reply.type('application/json; charset=utf-8');
  return reply.send(Readable.from(pieces(), { highWaterMark: 1 }) as never) as never;
}
