import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** Another process that answers questions, one at a time. */
export type Child<Question, Answer> = {
  pid: number;
  ask(question: Question): Promise<Answer>;
  end(): Promise<void>;
};

type Reply<Answer> = { answer: Answer } | { error: string };

export function startChild<Question extends object, Answer>(file: string): Child<Question, Answer> {
  const child: ChildProcess = fork(file, { serialization: 'advanced', execArgv: [] });
  const gone = once(child, 'exit').then(() => {
    throw new Error(`${file} ended`);
  });
  gone.catch(() => {});
  return {
    pid: child.pid!,
    async ask(question) {
      const replied = once(child, 'message');
      child.send(question);
      const [reply] = (await Promise.race([replied, gone])) as [Reply<Answer>];
      if ('error' in reply) throw new Error(reply.error);
      return reply.answer;
    },
    async end() {
      child.disconnect();
      await gone.catch(() => {});
    },
  };
}

/** The child's side. The child ends when its parent is gone. */
export function answerParent<Question, Answer>(answer: (question: Question) => Promise<Answer>): void {
  process.on('message', async (question: Question) => {
    const reply = await answer(question).then(
      answer => ({ answer }),
      error => ({ error: String(error?.stack ?? error) }),
    );
    process.send!(reply);
  });
  process.on('disconnect', () => process.exit());
}
