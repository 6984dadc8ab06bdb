import { againstBare, type Bench, capture, parsed, requestOf } from '../bench.ts';
import { numbersEach } from '../data.ts';
import { compared, type Line } from '../figures.ts';
import { numberAt, ranges } from '../numbers.ts';

const often = 1_000;
/** So many others are asked for before any of all numbers is asked for again. */
const perRound = 30_000;
const against = 'bare node:http, same bytes';

/** One number, as a router of messages asks for it: of a thousand that come again and again, and of all there are. */
export async function lookUp(bench: Bench): Promise<Line[]> {
  const all = bench.organizations * numbersEach;
  // A stride that shares no factor with the count comes past every number before it comes past one again.
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
    // Of all of them each round takes others than the one before; few are drawn at random.
    const order = (round: number) => (seen === paths ? { start: round * perRound } : { seed: round });
    const { ours, bare } = await againstBare(bench, { answers }, round => ({ ...job, ...order(round) }));
    const perSecond = { ours: ours.map(o => o.perSecond), floor: bare.map(b => b.perSecond) };
    const what = `look-up, of ${(seen === paths ? all : often).toLocaleString('en-US')} numbers`;
    lines.push(compared('lookup', { what, unit: '/s', ...perSecond, against }, { least: 0.4 }));
  }
  return lines;
}
