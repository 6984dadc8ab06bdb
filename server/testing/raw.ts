import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';

export type RawReply = { status: number; headers: IncomingHttpHeaders; bytes: Buffer; text: string };

const decoders: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

const agent = new Agent({ keepAlive: true });

/**
 * One GET with these headers and no others: fetch adds an `Accept-Encoding` of its own, and hides what came of it.
 * Rejects when the reply breaks off.
 * @returns the bytes as they came, and as text what they decode to
 */
export function rawGet(url: string, headers: Record<string, string>): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { headers, agent }, response => {
      const pieces: Buffer[] = [];
      response.on('data', piece => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(pieces);
        const decode = decoders[response.headers['content-encoding'] ?? ''];
        const text = (decode ? decode(bytes) : bytes).toString();
        resolve({ status: response.statusCode!, headers: response.headers, bytes, text });
      });
    });
    request.on('error', reject);
    request.end();
  });
}
