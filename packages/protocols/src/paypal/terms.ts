import { Temporal } from "temporal-polyfill";
import { count, type Values } from "../values.ts";
import type { Instant, Interval } from "../domain/day.ts";
import type { Plan } from "../domain/fact.ts";
import { list, object, text } from "./resource.ts";
import { instantOf } from "./said.ts";

/**
 * How a subscription is paid. Its messages name no interval: it is what lies between the last payment, or the beginning, and
 * the next payment. In a trial that is the trial's, so none is said. A number of regular cycles makes it instalments.
 * Source: PayPal "Subscriptions v1", billing_info
 */
export function termsOf(subscription: Values): { readonly plan: Plan; readonly next?: Instant } {
  const info = object(subscription["billing_info"]);
  const next = instantOf(info["next_billing_time"]);
  const cycles = list(info["cycle_executions"]);
  const regular = cycles.find((cycle) => text(cycle["tenure_type"]) === "REGULAR");
  const inTrial =
    cycles.some((cycle) => text(cycle["tenure_type"]) === "TRIAL") && !(count(regular?.["cycles_completed"]) ?? 0);
  const since = instantOf(object(info["last_payment"])["time"]) ?? instantOf(subscription["start_time"]);
  const interval = inTrial || next === undefined || since === undefined ? undefined : between(since, next);
  const total = count(regular?.["total_cycles"]) || undefined;
  return {
    plan: total
      ? { kind: "instalments", ...(interval && { interval }), total }
      : { kind: "subscription", ...(interval && { interval }) },
    ...(next !== undefined && { next }),
  };
}

/** So many times the way from one instant to the other. */
export function times(start: Instant, next: Instant, cycles: number): Instant {
  const interval = between(start, next);
  return interval ? add(start, interval, Math.min(cycles, 1000)) : start + (next - start) * Math.min(cycles, 1000);
}

/** PayPal moves the time of day of a payment, so a day more or less is the same length. */
function between(from: Instant, to: Instant): Interval | undefined {
  const fits = (interval: Interval) => Math.abs(add(from, interval, 1) - to) <= dayMs;
  const found = lengths.find(fits);
  const days = Math.round((to - from) / dayMs);
  return found ?? (days > 0 && days <= 365 ? { unit: "day", count: days } : undefined);
}

function add(from: Instant, { unit, count }: Interval, times: number): Instant {
  return Temporal.Instant.fromEpochMilliseconds(from)
    .toZonedDateTimeISO("UTC")
    .add({ [`${unit}s`]: count * times }).epochMilliseconds;
}

const lengths: readonly Interval[] = [
  ...[1, 2, 3, 4, 6].map((count) => ({ unit: "month" as const, count })),
  { unit: "year", count: 1 },
  { unit: "week", count: 1 },
  { unit: "week", count: 2 },
];

const dayMs = 86_400_000;
