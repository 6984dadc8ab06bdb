import { startTestServer } from '../../server/testing/server.ts';

/*
 * A server in a process of its own that measures its turns of the event loop: the most processor time of the main thread
 * in one turn, and the most memory. The parent asks for both by message, and each answer begins anew.
 */

const server = await startTestServer(undefined, {}, { waitMsMax: 10_000 });
let longest = 0;
let highest = 0;
let turns = 0;
let last = process.threadCpuUsage();

function turn(): void {
  const now = process.threadCpuUsage();
  longest = Math.max(longest, now.user + now.system - last.user - last.system);
  if (turns++ % 8 === 0) highest = Math.max(highest, process.memoryUsage.rss());
  last = process.threadCpuUsage();
  setImmediate(turn);
}
turn();

process.on('message', async message => {
  if (message === 'stop') {
    await server.stop();
    process.disconnect!();
    process.exit();
  }
  if (message === 'collect') (globalThis as { gc?: () => void }).gc?.();
  process.send!({ standstillMs: longest / 1000, rssMb: highest / 1_048_576 });
  longest = 0;
  highest = 0;
  last = process.threadCpuUsage();
});
process.once('disconnect', () => process.exit());
process.send!({ url: server.url, key: server.key, connection: server.database.connection });
