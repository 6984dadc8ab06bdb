/** What may be used at once, and comes back with time. */
export type Bucket = { tokens: number; at: number };

/** @param rate how much comes back a second */
export type Flow = { rate: number; burst: number };

export const fullBucket = ({ burst }: Flow, now: number): Bucket => ({ tokens: burst, at: now });

/** Brings a bucket to this moment, and to a flow that may have changed. @param now in milliseconds, never less than before */
export function refill(bucket: Bucket, { rate, burst }: Flow, now: number): void {
  bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * rate);
  bucket.at = now;
}

/** The seconds until the bucket has so many tokens. */
export const secondsUntil = (tokens: number, bucket: Bucket, { rate }: Flow): number =>
  Math.max(0, (tokens - bucket.tokens) / rate);
