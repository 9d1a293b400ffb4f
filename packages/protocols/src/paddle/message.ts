import type { Unreadable, Values } from "../values.ts";
import type { Instant, Interval } from "../domain/day.ts";
import type { Plan, Reading } from "../domain/fact.ts";
import type { Known } from "../protocol.ts";
import { inside } from "../objects.ts";

/** One event as it is read on. */
export type Message = {
  readonly event: string;
  /** of the entity: `txn_…`, `sub_…`, `adj_…` */
  readonly id: string;
  readonly data: Values;
  readonly occurredAt?: Instant;
  readonly known?: Known;
  readonly redacted: boolean;
};

/** What an entity says. */
export type Says = Pick<Reading, "orderId" | "aliases" | "facts"> | Unreadable;

/** How an item is paid, by its price. A price without a billing cycle is charged once. */
export function planOf(price: Values): Plan {
  const cycle = inside(price, "billing_cycle");
  const interval = intervalOf(cycle["interval"], cycle["frequency"]);
  return interval ? { kind: "subscription", interval } : { kind: "once" };
}

function intervalOf(unit: unknown, frequency: unknown): Interval | undefined {
  if (unit !== "day" && unit !== "week" && unit !== "month" && unit !== "year") return undefined;
  const count = typeof frequency === "number" && Number.isInteger(frequency) && frequency > 0 ? frequency : 1;
  return { unit, count: Math.min(count, 1000) };
}
