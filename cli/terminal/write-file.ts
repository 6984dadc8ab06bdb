import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { Failure } from './failure.ts';
import { write } from './output.ts';

/**
 * Writes a file completely or not at all. The new content goes to a file beside it, which takes its place when all of
 * it is on the disk.
 * @param fill writes the content, piece by piece
 * @returns the file's size in bytes
 */
async function replaceFile(
  file: string,
  fill: (to: (piece: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<number> {
  const existing = await stat(file).catch(() => undefined);
  if (existing && !existing.isFile()) throw unwritable(file, 'it is not a file');
  // A link stays, and the file that it leads to is replaced. The new file has the mode of the old one.
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

/**
 * Writes what a command was asked to write: to a file, completely or not at all, or to stdout for `-` and without a name.
 * @returns the size of the file in bytes; undefined for stdout
 */
export async function writeOutput(
  file: string | undefined,
  fill: (to: (piece: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<number | undefined> {
  if (file !== undefined && file !== '-') return replaceFile(file, fill);
  await fill(write);
  return undefined;
}
