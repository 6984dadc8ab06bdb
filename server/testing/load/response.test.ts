import assert from 'node:assert/strict';
import { test } from 'node:test';
import { responseReader } from './response.ts';

const responses = [
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nabcde',
  'HTTP/1.1 304 Not Modified\r\netag: "1"\r\n\r\n',
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n\r\n\r\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n',
  'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n',
  `HTTP/1.1 503 Service Unavailable\r\ncontent-length: 9000\r\n\r\n${'\r\n'.repeat(4500)}`,
];
const expected = [200, 5, 304, 0, 200, 29, 404, 0, 503, 9000];

function read(pieces: Buffer[]): number[] {
  const heard: number[] = [];
  const reader = responseReader({ head: status => heard.push(status), end: bytes => heard.push(bytes) });
  for (const piece of pieces) reader(piece);
  return heard;
}

test('responses are told apart wherever their pieces begin and end', () => {
  const bytes = Buffer.from(responses.join(''));
  assert.deepEqual(read([bytes]), expected);
  for (let cut = 1; cut < bytes.length; cut++)
    assert.deepEqual(read([bytes.subarray(0, cut), bytes.subarray(cut)]), expected, `cut at ${cut}`);
  assert.deepEqual(read(Array.from(bytes, byte => Buffer.from([byte]))), expected);
});

test('a response does not end before its last byte', () => {
  for (const response of responses) {
    const heard = read([Buffer.from(response).subarray(0, -1)]);
    assert(heard.length < 2, response.slice(0, 60));
  }
});

test('a response without a known end is refused', () => {
  for (const response of [
    'HTTP/1.1 200 OK\r\n\r\nabc',
    'SSH-2.0\r\n\r\n',
    `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(2000)}`,
  ])
    assert.throws(() => read([Buffer.from(response)]));
});
