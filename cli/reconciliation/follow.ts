import { setTimeout as sleep } from 'node:timers/promises';
import { call, type JsonResponse, pathOf } from '../http/client.ts';
import { untilAnswered } from '../http/retry.ts';
import { exitCodes } from '../terminal/failure.ts';
import { print } from '../terminal/output.ts';
import { showSteps } from '../terminal/progress.ts';
import { escapeControls } from '../terminal/text.ts';
import { type Run, type RunBody, runText } from './run.ts';

const pollMs = 400;

/** Shows the progress of a run until it ends, and prints its result. A run that is not done ends with exit code 1. */
export async function follow(begun: JsonResponse<RunBody>, options: { json?: boolean }): Promise<Run> {
  const path = pathOf('carrier-runs', begun.body.run.id);
  const steps = await showSteps();
  let answer = begun;
  try {
    while (answer.body.run.finished_at === null) {
      steps.show(...progressOf(answer.body.run));
      await sleep(pollMs);
      answer = await untilAnswered(() => call<RunBody>('GET', path));
    }
  } finally {
    steps.stop();
  }
  const { run } = answer.body;
  if (run.status !== 'done') process.exitCode = exitCodes.failed;
  await print(options, answer, runText, problemOf);
  return run;
}

function problemOf({ run: { status, problem } }: RunBody): string | undefined {
  if (problem === null) return undefined;
  return `${status === 'done' ? '' : 'error: '}${escapeControls(problem)}`;
}

function progressOf({
  status,
  counts,
  problem,
}: Run): [done: number, total: number | undefined, activity: string] {
  const waiting = problem === null ? '' : `; waiting: ${escapeControls(problem)}`;
  if (status === 'adopting')
    return [counts.adopted + counts.linked, counts.to_adopt + counts.to_link, `taken over${waiting}`];
  if (status === 'comparing') return [counts.looked_up, undefined, `looked up one by one${waiting}`];
  return [counts.listed, counts.total ?? undefined, `listed${waiting}`];
}
