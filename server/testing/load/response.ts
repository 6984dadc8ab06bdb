/** The events of a response. */
export type Heard = {
  /** @param text the whole head, without its last line end */
  head(status: number, text: string): void;
  /** A piece of the body, for who wants to know more of it than its length. Chunks come with their line ends. */
  piece?(bytes: Buffer): void;
  end(bodyBytes: number): void;
};

const headBytesMax = 4096;

/**
 * Reads the consecutive responses of one connection: with a Content-Length, chunked, or 304. It parses heads and the
 * sizes of chunks, and skips the rest.
 */
export function responseReader(heard: Heard): (bytes: Buffer) => void {
  let text = ''; // the part so far of a head or of a chunk's size
  let part: 'head' | 'size' | 'rest' = 'head';
  let left = 0; // bytes to skip: of the body, or of a chunk and its line end
  let last = false; // whether the response ends after those bytes
  let bodyBytes = 0;

  function readHead(head: string): void {
    const status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    const chunked = !length && /\r\ntransfer-encoding: *chunked/i.test(head);
    if (!head.startsWith('HTTP/1.1 ') || !(length || chunked || status === 304))
      throw new Error(`no response that has an end: ${head.slice(0, 200)}`);
    heard.head(status, head);
    bodyBytes = chunked || status === 304 ? 0 : Number(length![1]);
    left = bodyBytes;
    last = !chunked;
    part = chunked ? 'size' : 'rest';
  }

  function readSize(line: string): void {
    const size = Number.parseInt(line, 16);
    if (Number.isNaN(size)) throw new Error(`no size of a chunk: ${line}`);
    bodyBytes += size;
    left = size + 2;
    last = size === 0;
    part = 'rest';
  }

  return bytes => {
    for (let at = 0; at < bytes.length; ) {
      if (part === 'rest') {
        const step = Math.min(left, bytes.length - at);
        heard.piece?.(bytes.subarray(at, at + step));
        at += step;
        left -= step;
      } else {
        const mark = part === 'head' ? '\r\n\r\n' : '\r\n';
        const before = text.length;
        text += bytes.toString('latin1', at, at + headBytesMax);
        const end = text.indexOf(mark);
        if (end < 0) {
          if (text.length >= headBytesMax) throw new Error('the head of a response is too long');
          return;
        }
        at += end + mark.length - before;
        const whole = text.slice(0, end);
        text = '';
        if (part === 'head') readHead(whole);
        else readSize(whole);
      }
      if (part !== 'rest' || left > 0) continue;
      part = last ? 'head' : 'size';
      if (last) heard.end(bodyBytes);
    }
  };
}
