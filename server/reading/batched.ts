/**
 * Answers questions together: those that are asked in the same turn of the event loop, or the next, go out as one
 * batch, and equal ones are one. A batch is sent after the last of its questions was asked, so whatever was true when a
 * question was asked is known to its answer.
 * @param nameOf equal for equal questions only
 * @param inFlightMax so many batches are on their way at once; what is asked meanwhile waits for the next
 */
export function batched<Question, Result>(
  send: (questions: Question[]) => Promise<Result[]>,
  nameOf: (question: Question) => string,
  inFlightMax: number,
): (question: Question) => Promise<Result> {
  let pending = new Map<string, PromiseWithResolvers<Result> & { question: Question }>();
  let inFlight = 0;
  let scheduled = false;

  function schedule() {
    if (scheduled || pending.size === 0 || inFlight === inFlightMax) return;
    scheduled = true;
    // Once everything that has arrived together with the first of them is read, and what came while it was read: a turn
    // costs less than a batch more.
    setImmediate(() => setImmediate(sendWaiting));
  }

  async function sendWaiting() {
    const batch = [...pending.values()];
    pending = new Map();
    scheduled = false;
    inFlight++;
    try {
      const answers = await send(batch.map(({ question }) => question));
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index]!);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      inFlight--;
      schedule();
    }
  }

  return question => {
    const name = nameOf(question);
    let asked = pending.get(name);
    if (!asked) {
      asked = { question, ...Promise.withResolvers<Result>() };
      pending.set(name, asked);
      schedule();
    }
    return asked.promise;
  };
}
