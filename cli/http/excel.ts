export const excelHelp = 'begin with a byte order mark, by which Excel knows that the text is UTF-8';

const byteOrderMark = Buffer.from('\ufeff');

/** Writes the mark before the first piece. A request that is refused has no pieces, and writes nothing. */
export function withMark(to: (piece: Uint8Array) => Promise<void>): (piece: Uint8Array) => Promise<void> {
  let begun = false;
  return async piece => {
    if (!begun) await to(byteOrderMark);
    begun = true;
    await to(piece);
  };
}
