import type { Instant } from "@paybell/protocols/domain/day";

/** How an address does. Lives in the database, so that every node and every restart knows it. */
export type Health = {
  /** in a row; those of calls that were under way when the breaker opened do not count */
  readonly failures: number;
  readonly failingSince: Instant | null;
  /** the last time it was called; what happened before a long silence says nothing about now */
  readonly calledAt: Instant | null;
  /** nothing is sent before, then one probe */
  readonly openUntil: Instant | null;
};

export const wellHealth: Health = { failures: 0, failingSince: null, calledAt: null, openUntil: null };

/** `closed`: send. `open`: send nothing. `probe`: send one, and wait for how it goes. */
export function breaker({ openUntil }: Health, now: Instant): "closed" | "open" | "probe" {
  if (openUntil === null) return "closed";
  return now < openUntil ? "open" : "probe";
}

/** Has it failed so often in a row that it is no longer one event's affair? */
export function isDown({ failures }: Health): boolean {
  return failures >= failuresToOpen;
}

/**
 * @param random in [0, 1)
 * @param retryAfterMs how long the address asks to be left alone, where it does
 */
export function afterFailure(before: Health, now: Instant, random: number, retryAfterMs?: number): Health {
  const wasSilent = before.calledAt !== null && now - before.calledAt > silenceMs;
  const health = wasSilent ? wellHealth : before;
  const failingSince = health.failingSince ?? now;
  if (breaker(health, now) === "open") return { ...health, failingSince };
  const failures = health.failures + 1;
  const asked = retryAfterMs === undefined ? null : now + Math.min(retryAfterMs, longestAskedMs);
  const opens = isDown({ ...health, failures }) ? now + openMs(failures) * (0.5 + random / 2) : null;
  return {
    failures,
    failingSince,
    calledAt: now,
    openUntil: asked === null && opens === null ? null : Math.max(asked ?? 0, opens ?? 0),
  };
}

const failuresToOpen = 5;
/** longer than any gap between two attempts: nobody tried, so nobody knows that it failed all the while */
const silenceMs = 26 * 3_600_000;
const longestAskedMs = 6 * 3_600_000;

/** A second, doubled by each failed probe, up to a minute: an address that is well again is noticed soon. */
function openMs(failures: number): number {
  return Math.min(60_000, 1000 * 2 ** (failures - failuresToOpen));
}
