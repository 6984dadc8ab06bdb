import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Turn } from './probe.ts';

/** What a scenario cost the server's process. Memory is that above idle, in MB; undefined where there is no /proc. */
export type Cost = { turn: Turn; memory: number | undefined };

/** Measures a server that has the probe (probe.ts), from one question to the next. */
export type Gauge = { reset(): Promise<void>; read(): Promise<Cost> };

/** @param path the probe's socket */
export async function openGauge(pid: number, path: string): Promise<Gauge> {
  const ask = async (): Promise<Turn> => JSON.parse(await text(connect(path)));
  await ask();
  const idle = await memoryOf(pid, 'VmRSS');
  return {
    async reset() {
      await ask();
      // Resets the peak: proc_pid_clear_refs(5).
      await writeFile(`/proc/${pid}/clear_refs`, '5').catch(() => {});
    },
    async read() {
      const peak = await memoryOf(pid, 'VmHWM');
      return {
        turn: await ask(),
        memory: peak === undefined || idle === undefined ? undefined : peak - idle,
      };
    },
  };
}

async function memoryOf(pid: number, name: 'VmRSS' | 'VmHWM'): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1];
  return kilobytes === undefined ? undefined : Math.round(Number(kilobytes) / 1024);
}
