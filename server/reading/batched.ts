/**
 * Answers questions in batches. Questions asked in one turn of the event loop or the next share a batch, and equal
 * questions are sent once. A batch is sent after its last question was asked, so no answer is older than its question.
 * @param nameOf names a question; only equal questions have the same name
 * @param inFlightMax how many batches may be in flight; later questions wait for the next one
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
    // The first turn reads the requests that arrived together, the second those that came meanwhile. One more turn costs
    // less than one more batch.
    setImmediate(() => setImmediate(sendPending));
  }

  async function sendPending() {
    const batch = [...pending.values()];
    pending = new Map();
    scheduled = false;
    inFlight++;
    try {
      const results = await send(batch.map(({ question }) => question));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index]!);
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
