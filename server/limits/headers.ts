import type { KeyLimits } from './limits.ts';

/** One limit, and how much of it is left. */
export type Remaining = {
  /** Whose limit it is. */
  of: 'tenant' | 'key';
  name: keyof KeyLimits;
  /** How much there is in a window; the window in seconds, if there is one. */
  quota: number;
  window?: number;
  left: number;
  /** The seconds until all of it is there again. */
  renewsIn?: number;
};

const units: Partial<Record<keyof KeyLimits, string>> = {
  import_bytes_per_day: ';qu="content-bytes"',
  concurrent_requests: ';qu="concurrent-requests"',
};

/**
 * `RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers-11 has them: structured fields, in which
 * numbers are integers. A bucket is told as its burst, and the time in which it fills.
 */
export function rateLimitHeaders(limits: Remaining[]): { 'ratelimit-policy': string; ratelimit: string } {
  const policies = limits.map(({ of, name, quota, window }) => {
    const seconds = window === undefined ? '' : `;w=${Math.ceil(window)}`;
    return `"${of}:${name}";q=${quota}${units[name] ?? ''}${seconds}`;
  });
  const rests = limits.map(({ of, name, left, renewsIn }) => {
    const seconds = renewsIn === undefined ? '' : `;t=${Math.ceil(renewsIn)}`;
    return `"${of}:${name}";r=${Math.max(0, Math.floor(left))}${seconds}`;
  });
  return { 'ratelimit-policy': policies.join(', '), ratelimit: rests.join(', ') };
}
