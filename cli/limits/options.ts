import { type Command, InvalidArgumentError } from 'commander';
import type { KeyLimitsEdit, TenantLimitsEdit } from '../../server/limits/limits.ts';

/** `none` removes a limit. Commander takes no null from a reader, so it is an empty text until it is sent. */
type Limit = number | '';

const reader =
  (least: number, most: number, whole: boolean) =>
  (text: string): Limit => {
    if (text === 'none') return '';
    const value = Number(text);
    if (!/^\d{1,13}(\.\d{1,6})?$/.test(text) || value < least || value > most || (whole && value % 1 !== 0))
      throw new InvalidArgumentError(
        `It must be ${whole ? 'a whole number' : 'a number'} from ${least} to ${most}, or none.`,
      );
    return value;
  };
const readRate = reader(0.001, 1_000_000, false);
const readBurst = reader(1, 1_000_000, true);
const readCount = reader(0, 1_000_000_000_000, true);
const readFromOne = reader(1, 1_000_000_000_000, true);

/** The limits that keys and tenants have. `none` removes one. */
export const withRateOptions = (command: Command): Command =>
  command
    .option('--requests-per-second <number>', 'requests a second, over time; or none', readRate)
    .option('--requests-burst <count>', 'requests at once after a pause; or none', readBurst)
    .option('--requests-per-day <count>', 'requests a day, in UTC; or none', readFromOne)
    .option('--concurrent-requests <count>', 'requests under way at once; or none', readFromOne)
    .option('--import-bytes-per-day <bytes>', 'bytes of imported files a day, in UTC; or none', readCount);

/** Those that the operator alone sets. `none` is the usual. */
export const withPlaceOptions = (command: Command): Command =>
  command
    .option('--connections <count>', 'connections to the database at once (usually 10)', readFromOne)
    .option('--long-answers <count>', 'long lists and usage files at once (usually 4)', readFromOne)
    .option('--imports <count>', 'imports at once (usually 2)', readFromOne)
    .option('--followers <count>', 'readers that wait for the log at once (usually 1000)', readFromOne)
    .option('--numbers <count>', 'live numbers and open orders; or none', readCount);

type RateOptions = Partial<
  Record<
    'requestsPerSecond' | 'requestsBurst' | 'requestsPerDay' | 'concurrentRequests' | 'importBytesPerDay',
    Limit
  >
>;
type PlaceOptions = Partial<
  Record<'connections' | 'longAnswers' | 'imports' | 'followers' | 'numbers', Limit>
>;

export const ratesOf = (options: RateOptions): KeyLimitsEdit =>
  given({
    requests_per_second: options.requestsPerSecond,
    requests_burst: options.requestsBurst,
    requests_per_day: options.requestsPerDay,
    concurrent_requests: options.concurrentRequests,
    import_bytes_per_day: options.importBytesPerDay,
  });

export const tenantLimitsOf = (options: RateOptions & PlaceOptions): TenantLimitsEdit =>
  Object.assign(ratesOf(options), placesOf(options));

const placesOf = (options: PlaceOptions) =>
  given({
    connections: options.connections,
    long_answers: options.longAnswers,
    imports: options.imports,
    followers: options.followers,
    numbers: options.numbers,
  });

const given = (limits: Record<string, Limit | undefined>): Record<string, number | null> =>
  Object.fromEntries(
    Object.entries(limits).flatMap(([name, limit]) =>
      limit === undefined ? [] : [[name, limit === '' ? null : limit]],
    ),
  );

/** Limits that are set, in one line. */
export const limitsInWords = (limits: object): string =>
  Object.entries(limits)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ') || 'none';
