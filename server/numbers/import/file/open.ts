import { openCsv } from './csv.ts';
import { openNdjson } from './ndjson.ts';
import type { NumberFile, ReadOptions } from './rows.ts';
import { decode } from './text.ts';

export type ImportFormat = 'csv' | 'ndjson';

/**
 * Opens a file of numbers, and reads as much of it as tells its columns. A bad row carries its error. A bad file throws.
 * @throws Problem `invalid_request`
 */
export async function openFile(
  source: AsyncIterable<Uint8Array>,
  { format, charset }: { format: ImportFormat; charset: string | undefined },
  options: ReadOptions,
): Promise<NumberFile> {
  const text = decode(source, charset);
  return format === 'csv' ? openCsv(text, options) : openNdjson(text, options);
}
