/**
 * Answers questions together: those that are asked in the same turn of the event loop, or the next, go out as one
 * batch, and equal ones are one. A batch is sent after the last of its questions was asked, so whatever was true when a
 * question was asked is known to its answer.
 * @param nameOf equal for equal questions only
 * @param onTheWayMax so many batches are on their way at once; what is asked meanwhile waits for the next
 */
export function batched<Question, Answer>(
  send: (questions: Question[]) => Promise<Answer[]>,
  nameOf: (question: Question) => string,
  onTheWayMax: number,
): (question: Question) => Promise<Answer> {
  let waiting = new Map<string, PromiseWithResolvers<Answer> & { question: Question }>();
  let onTheWay = 0;
  let scheduled = false;

  function schedule() {
    if (scheduled || waiting.size === 0 || onTheWay === onTheWayMax) return;
    scheduled = true;
    // Once everything that has arrived together with the first of them is read, and what came while it was read: a turn
    // costs less than a batch more.
    setImmediate(() => setImmediate(sendWaiting));
  }

  async function sendWaiting() {
    const batch = [...waiting.values()];
    waiting = new Map();
    scheduled = false;
    onTheWay++;
    try {
      const answers = await send(batch.map(({ question }) => question));
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index]!);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      onTheWay--;
      schedule();
    }
  }

  return question => {
    const name = nameOf(question);
    let asked = waiting.get(name);
    if (!asked) {
      asked = { question, ...Promise.withResolvers<Answer>() };
      waiting.set(name, asked);
      schedule();
    }
    return asked.promise;
  };
}
