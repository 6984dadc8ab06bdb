import { againstBare, type Bench, capture, parsed, requestOf } from '../bench.ts';
import { numbersEach } from '../data.ts';
import { compared, type Line } from '../figures.ts';
import { numberAt, ranges } from '../numbers.ts';

const often = 1_000;
/** Each round looks so many numbers up, and no number twice. */
const perRound = 30_000;
const against = 'bare node:http, same bytes';

/** The look-up of one number, as a message router does it: among a thousand frequent numbers, and among all. */
export async function lookUp(bench: Bench): Promise<Line[]> {
  const all = bench.organizations * numbersEach;
  // The stride shares no factor with the count, so it visits every number before it repeats one.
  const stride = 61_803;
  const path = (nth: number) =>
    `/v1/sms/phone-numbers/${numberAt(ranges.organizations + ((nth * stride) % all))}`;
  const paths = Array.from({ length: Math.min(all, (bench.rounds + 1) * perRound) }, (_, nth) => path(nth));
  const answers = await capture(bench, paths.slice(0, often));
  for (const answer of answers)
    if (!answer.url.endsWith(parsed(answer).phone_number.phone_number))
      throw new Error(`another number was the answer to ${answer.url}`);
  const lines: Line[] = [];
  for (const seen of [paths.slice(0, often), paths]) {
    const requests = seen.map(each => requestOf(bench.ours, each));
    const job = { connections: 16, seconds: bench.seconds, status: 200, requests };
    // Among all numbers each round takes new ones. Among the frequent ones it draws at random.
    const order = (round: number) => (seen === paths ? { start: round * perRound } : { seed: round });
    const { ours, bare } = await againstBare(bench, { answers }, round => ({ ...job, ...order(round) }));
    const perSecond = { ours: ours.map(o => o.perSecond), floor: bare.map(b => b.perSecond) };
    const what = `look-up, of ${(seen === paths ? all : often).toLocaleString('en-US')} numbers`;
    lines.push(compared('lookup', { what, unit: '/s', ...perSecond, against }, { least: 0.4 }));
  }
  return lines;
}
