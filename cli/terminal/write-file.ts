import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { Failure } from './failure.ts';

/**
 * Writes a file that is there as a whole or not at all: what comes is written beside it, and takes its place when it is
 * complete and on the disk.
 * @param fill writes it
 * @returns how many bytes it has
 */
export async function saveWhole(
  file: string,
  fill: (to: (piece: Uint8Array) => Promise<unknown>) => Promise<void>,
): Promise<number> {
  // What a link leads to is replaced, not the link; whoever may read what was there may read what is.
  const existing = await stat(file).catch(() => undefined);
  if (existing && !existing.isFile()) throw unwritable(file, 'it is no file');
  const target = existing ? await realpath(file) : file;
  const beside = `${target}.${process.pid}.part`;
  const handle = await open(beside, 'wx', existing?.mode).catch(error => {
    throw unwritable(file, error.message);
  });
  let bytes = 0;
  try {
    await fill(async piece => {
      bytes += piece.length;
      await handle.writeFile(piece).catch(error => {
        throw unwritable(file, error.message);
      });
    });
    await handle.sync();
    await handle.close();
    await rename(beside, target);
    return bytes;
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(beside, { force: true });
    throw error;
  }
}

const unwritable = (file: string, reason: string) => new Failure(`${file} cannot be written: ${reason}`);
