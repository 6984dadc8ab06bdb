// The load: a process of its own. It keeps N connections busy, each with one request at a time, and says how long they
// took. It exists because other clients need more of a core than the servers do, and so hide on two cores how those
// differ. For a request of 33 kB on 16 connections, a bare node:http server needs 13 to 20 µs of a core, this client 10,
// autocannon 27 to 37, and node's own client 42 to 70.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { answerParent } from './child.ts';
import { responseReader } from './response.ts';

export type Job = {
  port: number;
  connections: number;
  /** Complete HTTP requests. */
  requests: string[];
  /** In turn from `start`, or drawn at random from this seed. */
  start?: number;
  seed?: number;
  /** Ends after so many seconds or so many requests. */
  seconds?: number;
  count?: number;
  /** The expected status. */
  status: number;
  /** The expected body length of each request's response, if known. */
  bodyBytes?: number[];
};

/** Times in milliseconds. */
export type Times = { p50: number; p99: number; max: number };

export type Loaded = {
  requests: number;
  perSecond: number;
  seconds: number;
  bodyBytes: number;
  whole: Times;
  firstByte: Times;
  /** Processor time of this process, in seconds. */
  cpu: number;
  wrong: number;
  /** The first error. */
  complaint?: string;
};

async function run(job: Job): Promise<Loaded> {
  const requests = job.requests.map(text => Buffer.from(text));
  const whole = newHistogram();
  const firstByte = newHistogram();
  let drawn = 0;
  let bodyBytes = 0;
  let wrong = 0;
  let complaint: string | undefined;
  let until = Number.POSITIVE_INFINITY;
  const draw = job.seed === undefined ? undefined : randomFrom(job.seed);

  function next(): number | undefined {
    if (drawn === job.count || performance.now() >= until) return undefined;
    const place = draw ? Math.floor(draw() * requests.length) : ((job.start ?? 0) + drawn) % requests.length;
    drawn++;
    return place;
  }

  function complain(text: string): void {
    wrong++;
    complaint ??= text;
  }

  /** Sends requests on `socket`, one after another, until there are no more. */
  const keepBusy = (socket: Socket, listen: (read: (bytes: Buffer) => void) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      let asked: number;
      let begun: number;
      const send = () => {
        const place = next();
        if (place === undefined) return resolve();
        asked = place;
        begun = performance.now();
        socket.write(requests[place]!);
      };
      socket.once('close', () => reject(new Error('the server closed a connection')));
      const read = responseReader({
        head(status) {
          record(firstByte, begun);
          if (status !== job.status) complain(`${status} for ${job.requests[asked]!.split('\r\n')[0]}`);
        },
        end(bytes) {
          record(whole, begun);
          bodyBytes += bytes;
          const expected = job.bodyBytes?.[asked];
          if (expected !== undefined && bytes !== expected)
            complain(`${bytes} bytes instead of ${expected} for ${job.requests[asked]!.split('\r\n')[0]}`);
          send();
        },
      });
      listen(bytes => {
        try {
          read(bytes);
        } catch (error) {
          reject(error);
        }
      });
      send();
    });

  const open = await Promise.all(Array.from({ length: job.connections }, () => openConnection(job.port)));
  const cpuBefore = process.cpuUsage();
  const begun = performance.now();
  if (job.seconds !== undefined) until = begun + job.seconds * 1000;
  try {
    await Promise.all(open.map(({ socket, listen }) => keepBusy(socket, listen)));
  } finally {
    for (const { socket } of open) socket.destroy();
  }
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    requests: drawn,
    perSecond: drawn / seconds,
    seconds,
    bodyBytes,
    whole: times(whole),
    firstByte: times(firstByte),
    cpu: (user + system) / 1e6,
    wrong,
    ...(complaint !== undefined && { complaint }),
  };
}

/** All responses are read into one buffer, which saves an allocation for each piece. */
async function openConnection(port: number) {
  let read: (bytes: Buffer) => void = () => {};
  const onread = {
    buffer: Buffer.allocUnsafe(65_536),
    callback(length: number, buffer: Uint8Array) {
      read((buffer as Buffer).subarray(0, length));
      return true;
    },
  };
  const socket = connect({ host: '127.0.0.1', port, noDelay: true, onread });
  await once(socket, 'connect');
  socket.on('error', () => {}); // 'close' follows
  const listen = (listener: (bytes: Buffer) => void) => {
    read = listener;
  };
  return { socket, listen };
}

// In microseconds, with three digits, up to ten minutes.
const newHistogram = () => createHistogram({ lowest: 1, highest: 600_000_000, figures: 3 });

function record(histogram: RecordableHistogram, begun: number): void {
  histogram.record(Math.max(1, Math.round((performance.now() - begun) * 1000)));
}

const times = (histogram: RecordableHistogram): Times => ({
  p50: histogram.percentile(50) / 1000,
  p99: histogram.percentile(99) / 1000,
  max: histogram.max / 1000,
});

/** Mulberry32: gives the same draws in every run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

answerParent(run);
