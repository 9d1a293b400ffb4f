/** Lets so many pass a second, evenly; a twentieth of a second's worth may pass at once. */
export type Bucket = {
  /** @returns milliseconds until one may pass; 0: now */
  wait(nowMs: number): number;
  /** one passes */
  pass(nowMs: number): void;
};

/**
 * @param rate a second; undefined: no limit
 * @param sinceMs how long ago the last one passed before this bucket was made
 */
export function createBucket(
  rate: number | undefined,
  nowMs: number,
  sinceMs: number = Number.POSITIVE_INFINITY,
): Bucket {
  if (rate === undefined) return { wait: () => 0, pass: () => undefined };
  const gapMs = 1000 / rate;
  const burstMs = Math.max(0, atOnceMs - gapMs);
  // Generic cell rate algorithm: when the next one may pass at the earliest, were they evenly spaced. Of whoever had the
  // bucket before, it is taken that all that could pass at once had.
  let next = nowMs + Math.max(0, Math.max(gapMs, atOnceMs) - Math.max(0, sinceMs));
  return {
    wait: (now) => (now < next - burstMs ? Math.max(1, next - burstMs - now) : 0),
    pass: (now) => void (next = Math.max(next, now) + gapMs),
  };
}

const atOnceMs = 50;
