// The floor for all HTTP scenarios: a bare node:http server in a process of its own, with the responses in memory.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { answerParent } from '../server/testing/load/child.ts';

export type StoredResponse = { url: string; headers: Record<string, string>; body: Uint8Array };

/** The responses from now on; or for every request a body of so many bytes, in pieces. */
export type Instruction = { answers: StoredResponse[] } | { streamBytes: number };

let answers: StoredResponse[] = [];
let byUrl = new Map<string, StoredResponse>();
let streamBytes = 0;
let turn = 0;

const server = createServer((request, response) => {
  if (streamBytes > 0) {
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
    // A client may leave early.
    pipeline(Readable.from(pieces(streamBytes), { objectMode: false }), response).catch(() => {});
    return;
  }
  // A URL without a response of its own gets any other one: only the length matters.
  const { headers, body } = byUrl.get(request.url!) ?? answers[turn++ % answers.length]!;
  const { etag } = headers;
  if (etag !== undefined && request.headers['if-none-match'] === etag) {
    response.writeHead(304, { etag });
    response.end();
    return;
  }
  response.writeHead(200, headers);
  response.end(body);
});
server.keepAliveTimeout = 60_000;

function* pieces(bytes: number): Generator<Buffer> {
  const piece = Buffer.alloc(65_536, 'x');
  for (let left = bytes; left > 0; left -= piece.length)
    yield left < piece.length ? piece.subarray(0, left) : piece;
}

answerParent(async (instruction: Instruction) => {
  answers = 'answers' in instruction ? instruction.answers : [];
  byUrl = new Map(answers.map(answer => [answer.url, answer]));
  streamBytes = 'streamBytes' in instruction ? instruction.streamBytes : 0;
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
});
