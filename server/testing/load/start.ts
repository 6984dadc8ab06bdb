import { type Child, startChild } from './child.ts';
import type { Job, Loaded } from './load.ts';

export type Load = Child<Job, Loaded>;

/** Starts the load's process. */
export const startLoad = (): Load => startChild(`${import.meta.dirname}/load.ts`);
