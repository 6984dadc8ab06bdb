// The floor for everything that is answered over HTTP: node:http, alone in a process, with the answers in its memory.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerParent } from './child.ts';

export type Answer = { url: string; headers: Record<string, string>; body: Uint8Array };

/** The answers from now on; or a body of so many bytes, in pieces, for whatever is asked. */
export type Instruction = { answers: Answer[] } | { streamBytes: number };

let answers: Answer[] = [];
let byUrl = new Map<string, Answer>();
let streamBytes = 0;
let turn = 0;

const server = createServer((request, response) => {
  if (streamBytes > 0) return void stream(response);
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

async function stream(response: ServerResponse): Promise<void> {
  const piece = Buffer.alloc(65_536, 'x');
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
  for (let left = streamBytes; left > 0 && !response.destroyed; left -= piece.length) {
    if (!response.write(left < piece.length ? piece.subarray(0, left) : piece))
      await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end();
}

answerParent(async (instruction: Instruction) => {
  answers = 'answers' in instruction ? instruction.answers : [];
  byUrl = new Map(answers.map(answer => [answer.url, answer]));
  streamBytes = 'streamBytes' in instruction ? instruction.streamBytes : 0;
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
});
