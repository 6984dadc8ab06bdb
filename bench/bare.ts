// The floor for everything that is answered over HTTP: node:http, alone in a process, with the answers in its memory.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { answerParent } from './child.ts';

export type Answer = { url: string; headers: Record<string, string>; body: Uint8Array };

/** The answers from now on; or a body of so many bytes, in pieces, for whatever is asked. */
export type Instruction = { answers: Answer[] } | { streamBytes: number };

let answers: Answer[] = [];
let byUrl = new Map<string, Answer>();
let streamBytes = 0;
let turn = 0;

const server = createServer((request, response) => {
  if (streamBytes > 0) {
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
    // A client that leaves early is not the bare server's concern.
    pipeline(Readable.from(pieces(streamBytes), { objectMode: false }), response).catch(() => {});
    return;
  }
  // Where not every answer is kept, one is as good as another: what counts is its length.
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
