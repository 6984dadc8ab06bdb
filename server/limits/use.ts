import { type Bucket, type Flow, fullBucket, refill, secondsUntil } from './bucket.ts';
import type { Remaining } from './headers.ts';
import type { KeyLimits } from './limits.ts';
import type { DailyUse } from './stored.ts';

const daySeconds = 86_400;
export const dayMs = daySeconds * 1000;

/** The seconds until the day ends. Days are in UTC: a tenant that moved its time zone would begin a new one. */
export const secondsLeftOfDay = (now = Date.now()): number => (dayMs - (now % dayMs)) / 1000;
const today = () => Math.floor(Date.now() / dayMs);

/** A sum of a day: what the database had when it was last asked, and what has come here since. */
type Sum = { stored: number; fresh: number };
const nothing = (): Sum => ({ stored: 0, fresh: 0 });
export const sumOf = ({ stored, fresh }: Sum): number => stored + fresh;

/** What a tenant, or a key with limits, uses. In memory: a request must not wait for it. */
export class Use {
  readonly tenantId: string;
  readonly keyId: string | null;
  day = today();
  requests = nothing();
  importBytes = nothing();
  /** Whether the day's sums have what was used before this process knew of it. */
  isLoaded = false;
  /** How many requests are under way. Counted only while they are limited. */
  open = 0;
  private bucket: Bucket | undefined;

  constructor(tenantId: string, keyId: string | null) {
    this.tenantId = tenantId;
    this.keyId = keyId;
  }

  /** Begins a new day, if it is one. @returns what is left to be stored of the one before */
  turn(): DailyUse | undefined {
    const day = today();
    if (day === this.day) return undefined;
    const rest = this.takeFresh();
    this.day = day;
    this.requests = nothing();
    this.importBytes = nothing();
    this.isLoaded = false;
    return rest;
  }

  hasFresh(): boolean {
    return this.requests.fresh > 0 || this.importBytes.fresh > 0;
  }

  /** Adds nothing; storing it brings the sums. */
  blank(): DailyUse {
    return {
      tenantId: this.tenantId,
      keyId: this.keyId,
      day: dayText(this.day),
      requests: 0,
      importBytes: 0,
    };
  }

  /** What is not stored yet. It counts as stored from now on. @returns undefined if there is nothing */
  takeFresh(): DailyUse | undefined {
    if (!this.hasFresh()) return undefined;
    const { requests, importBytes } = this;
    const fresh = { ...this.blank(), requests: requests.fresh, importBytes: importBytes.fresh };
    for (const sum of [requests, importBytes]) {
      sum.stored += sum.fresh;
      sum.fresh = 0;
    }
    return fresh;
  }

  /** The sums that the database has now. */
  store({ day, requests, importBytes }: DailyUse): void {
    if (day !== dayText(this.day)) return;
    this.requests.stored = requests;
    this.importBytes.stored = importBytes;
    this.isLoaded = true;
  }

  /** Takes back takeFresh(), which could not be stored. */
  keep({ day, requests, importBytes }: DailyUse): void {
    if (day !== dayText(this.day)) return;
    for (const [sum, back] of [
      [this.requests, requests],
      [this.importBytes, importBytes],
    ] as const) {
      sum.stored -= back;
      sum.fresh += back;
    }
  }

  /** The tokens of a bucket that is brought to this moment. */
  bucketOf(flow: Flow): Bucket {
    const now = performance.now();
    this.bucket ??= fullBucket(flow, now);
    refill(this.bucket, flow, now);
    return this.bucket;
  }

  countRequest(limits: KeyLimits): void {
    this.requests.fresh++;
    const flow = flowOf(limits);
    if (flow) this.bucketOf(flow).tokens--;
  }

  /** The limits that are set, and what is left of each. */
  remaining(of: 'tenant' | 'key', limits: KeyLimits): Remaining[] {
    const flow = flowOf(limits);
    const list: Remaining[] = [];
    if (flow) {
      const bucket = this.bucketOf(flow);
      list.push({
        ...{ of, name: 'requests_per_second', quota: flow.burst, window: flow.burst / flow.rate },
        ...{ left: bucket.tokens, renewsIn: secondsUntil(flow.burst, bucket, flow) },
      });
    }
    const renewsIn = secondsLeftOfDay();
    for (const [name, sum] of [
      ['requests_per_day', this.requests],
      ['import_bytes_per_day', this.importBytes],
    ] as const) {
      const quota = limits[name];
      if (quota !== undefined)
        list.push({ of, name, quota, window: daySeconds, left: quota - sumOf(sum), renewsIn });
    }
    const atOnce = limits.concurrent_requests;
    if (atOnce !== undefined)
      list.push({ of, name: 'concurrent_requests', quota: atOnce, left: atOnce - this.open });
    return list;
  }
}

/** Whether a limit needs the sums of the day. */
export const isPerDay = (limits: KeyLimits): boolean =>
  limits.requests_per_day !== undefined || limits.import_bytes_per_day !== undefined;

export function flowOf({ requests_per_second: rate, requests_burst }: KeyLimits): Flow | undefined {
  return rate === undefined ? undefined : { rate, burst: requests_burst ?? Math.max(1, Math.ceil(rate)) };
}

const dayText = (day: number): string => new Date(day * dayMs).toISOString().slice(0, 10);
