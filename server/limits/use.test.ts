import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzing } from '../testing/runs.ts';
import { fullBucket, refill, secondsUntil } from './bucket.ts';
import { rateLimitHeaders } from './headers.ts';

test('no window has more than the burst and what has come back in it', () => {
  const flows = fc.record({
    rate: fc.double({ min: 0.001, max: 1000, noNaN: true }),
    burst: fc.integer({ min: 1, max: 50 }),
  });
  const pauses = fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 200 });
  const property = fc.property(flows, pauses, (flow, pauses) => {
    const bucket = fullBucket(flow, 0);
    const taken: number[] = [];
    let now = 0;
    for (const pause of pauses) {
      now += pause;
      refill(bucket, flow, now);
      if (bucket.tokens < 1) {
        // Whoever waits as long as told is served.
        const wait = secondsUntil(1, bucket, flow);
        assert.ok(wait > 0);
        const later = { ...bucket };
        refill(later, flow, now + wait * 1000 + 0.001);
        assert.ok(later.tokens > 0.999_999);
        continue;
      }
      bucket.tokens--;
      taken.push(now);
    }
    for (const [first, from] of taken.entries())
      for (const [last, to] of taken.entries())
        if (last >= first) {
          const most = flow.burst + ((to - from) / 1000) * flow.rate;
          assert.ok(last - first + 1 <= most + 1e-6, `${last - first + 1} in ${to - from} ms`);
        }
  });
  fc.assert(property, fuzzing(200));
});

test('the headers are structured fields of the draft', () => {
  assert.deepEqual(
    rateLimitHeaders([
      { of: 'key', name: 'requests_per_second', quota: 20, window: 2.5, left: 3.7, renewsIn: 1.2 },
      { of: 'tenant', name: 'import_bytes_per_day', quota: 1000, window: 86_400, left: -5, renewsIn: 60 },
      { of: 'tenant', name: 'concurrent_requests', quota: 4, left: 1 },
    ]),
    {
      'ratelimit-policy':
        '"key:requests_per_second";q=20;w=3, "tenant:import_bytes_per_day";q=1000;qu="content-bytes";w=86400, "tenant:concurrent_requests";q=4;qu="concurrent-requests"',
      ratelimit:
        '"key:requests_per_second";r=3;t=2, "tenant:import_bytes_per_day";r=0;t=60, "tenant:concurrent_requests";r=1',
    },
  );
});
