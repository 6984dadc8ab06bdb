/** What a client has to know of a response to see that it is whole: nothing of the body but its length. */
export type Heard = {
  head(status: number): void;
  end(bodyBytes: number): void;
};

const headBytesMax = 4096;

/**
 * Follows the responses of one connection, which come one after the other: with a Content-Length, chunked, or 304.
 * It looks at heads and at the sizes of chunks, and steps over everything else.
 */
export function responseReader(heard: Heard): (bytes: Buffer) => void {
  let text = ''; // of a head or of a chunk's size, while it is not whole
  let part: 'head' | 'size' | 'rest' = 'head';
  let left = 0; // bytes to step over: of the body, or of a chunk and the line end behind it
  let last = false; // nothing comes after those
  let bodyBytes = 0;

  function readHead(head: string): void {
    const status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    const chunked = !length && /\r\ntransfer-encoding: *chunked/i.test(head);
    if (!head.startsWith('HTTP/1.1 ') || !(length || chunked || status === 304))
      throw new Error(`no response that has an end: ${head.slice(0, 200)}`);
    heard.head(status);
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
