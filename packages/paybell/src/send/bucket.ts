/** Lets so many pass a second, evenly; a twentieth of a second's worth may pass at once. */
export type Bucket = {
  /** @returns 0: one has passed; else milliseconds to wait before asking again */
  take(nowMs: number): number;
};

/** @param rate a second; undefined: no limit */
export function createBucket(rate: number | undefined, nowMs: number): Bucket {
  if (rate === undefined) return { take: () => 0 };
  const gapMs = 1000 / rate;
  const burstMs = Math.max(0, 50 - gapMs);
  // Generic cell rate algorithm: when the next one may pass at the earliest, were they evenly spaced.
  let next = nowMs;
  return {
    take(now) {
      if (now < next - burstMs) return Math.max(1, next - burstMs - now);
      next = Math.max(next, now) + gapMs;
      return 0;
    },
  };
}
