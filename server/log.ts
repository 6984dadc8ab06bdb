import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { type DestinationStream, type Logger, pino } from 'pino';

/** The server's log: JSON lines on stderr. */
export const createLog = (level: string): Logger =>
  pino({ level, base: { pid: process.pid } }, unblocked(openStderr()));

/**
 * A write to a full pipe waits until its reader goes on, and the whole server with it. So a pipe is opened a second time
 * without waiting. What is no pipe has no reader that could stand still.
 */
function openStderr(): number {
  const stderr = 2;
  try {
    if (!fstatSync(stderr).isFIFO()) return stderr;
    return openSync('/dev/stderr', constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    // The system may not let it be opened again.
    return stderr;
  }
}

/** Drops lines that nobody takes, and says so as soon as somebody does. */
function unblocked(fd: number): DestinationStream {
  let dropped = 0;
  return {
    write(line) {
      try {
        if (dropped > 0)
          writeSync(fd, `{"level":40,"msg":"${dropped} lines of the log were not read in time"}\n`);
        dropped = 0;
        writeSync(fd, line);
      } catch {
        dropped++;
      }
    },
  };
}
