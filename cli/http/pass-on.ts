import { write } from '../terminal/output.ts';
import { connected, type RequestOptions, send } from './client.ts';

/** Writes the body of an answer as it comes, however long it is. */
export async function passOn(
  path: string,
  options: RequestOptions,
  to: (piece: Uint8Array) => Promise<unknown> = write,
): Promise<void> {
  const { body } = await send('GET', path, options);
  const pieces = body!.values();
  for (;;) {
    const { done, value } = await connected(pieces.next());
    if (done) return;
    await to(value);
  }
}
