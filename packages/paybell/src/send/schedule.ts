const minute = 60;
const hour = 3600;

/**
 * Gaps between one attempt and the next, in seconds.
 * - standard-webhooks: 10 attempts in about 3 days. Source: Standard Webhooks 1.0.0, "Deliverability"
 * - copecart: 10 repeats in 3 hours. Source: CopeCart "IPN" 1.6.7
 * - digistore24: 20 repeats in 10 days, from 3 minutes growing to the tenth, then daily. Source: Digistore24 "IPN"
 * - mail: 8 attempts in 2 days
 */
const gaps = {
  "standard-webhooks": [5, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour],
  copecart: Array.from({ length: 10 }, () => 18 * minute),
  digistore24: [...[3, 4, 5, 7, 9, 12, 16, 21, 28, 37].map((gap) => gap * minute), ...Array(10).fill(24 * hour)],
  mail: [1, 5, 15, 60, 240, 720, 1440].map((gap) => gap * minute),
} as const satisfies Record<string, readonly number[]>;

export type Schedule = keyof typeof gaps;

/**
 * Milliseconds until the next attempt, with full jitter, so that what failed together does not come back together.
 * @param attempts made so far, at least 1
 * @param random in [0, 1)
 * @returns undefined: that was the last one
 */
export function nextAttemptMs(schedule: Schedule, attempts: number, random: number): number | undefined {
  const gap: number | undefined = gaps[schedule][attempts - 1];
  return gap === undefined ? undefined : Math.max(1000, random * gap * 1000);
}

/** Milliseconds before each repeat, at the longest. */
export function repeatsOf(schedule: Schedule): number[] {
  return gaps[schedule].map((gap) => gap * 1000);
}

/** Attempts in all. */
export function attemptsOf(schedule: Schedule): number {
  return gaps[schedule].length + 1;
}
