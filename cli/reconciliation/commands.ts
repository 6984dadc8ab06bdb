import type { Command } from 'commander';
import { defineAdopt, defineCompare } from './begin.ts';
import { defineDrift } from './drift.ts';
import { defineResolve } from './resolve.ts';
import { defineRuns } from './run.ts';

/** The commands under `carriers` that reconcile an account's numbers with ours. */
export function reconciliationCommands(carriers: Command): void {
  defineAdopt(carriers);
  defineCompare(carriers);
  defineRuns(carriers);
  defineDrift(carriers);
  defineResolve(carriers);
}
