import { write } from '../terminal/output.ts';
import { open, type RequestOptions } from './client.ts';
import { orConnectionFailure } from './failures.ts';

/** Writes a body of any length while it arrives, byte for byte. */
export async function passThrough(
  path: string,
  options: RequestOptions,
  to: (piece: Uint8Array) => Promise<void> = write,
): Promise<void> {
  const { body } = await open('GET', path, options);
  const pieces = body!.values();
  for (;;) {
    const { done, value } = await orConnectionFailure(pieces.next());
    if (done) return;
    await to(value);
  }
}
