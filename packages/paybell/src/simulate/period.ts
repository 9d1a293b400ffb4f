import type { Instant } from "@paybell/protocols/domain/day";
import { type Checkout, dayIn, type Happening, later, onDay } from "./happening.ts";

/** What a payment of a subscription is for, from its day due until the next one. */
export type Period = { readonly start: Instant; readonly end: Instant };

/** What is paid for, or tried; of what is announced, what will be. A period without a named end is a month. */
export function periodOf(order: Checkout, { kind, at, next, cancelledFor }: Happening): Period {
  const named = next ?? cancelledFor;
  const day = named == null ? undefined : onDay(named, order.at);
  if (kind === "trial") return { start: order.at, end: day ?? later(at, { days: 14 }) };
  if (kind === "announced") return { start: day ?? at, end: later(day ?? at, { months: 1 }) };
  const end = day ?? later(at, { months: 1 });
  return { start: later(end, { months: -1 }), end };
}

/** The period before the one that begins with this payment. */
export function periodBefore(order: Checkout, happening: Happening): Period {
  const { start } = periodOf(order, happening);
  return { start: trialBefore(order, happening) === undefined ? later(start, { months: -1 }) : order.at, end: start };
}

/** Whether it is part of the checkout. */
export function begins({ at: orderedAt }: Checkout, { kind, at }: Happening): boolean {
  return kind === "trial" || dayIn(at) === dayIn(orderedAt);
}

/** Whether the payment was due before: one try has failed. */
export function comesLate(order: Checkout, happening: Happening): boolean {
  return happening.at - periodOf(order, happening).start > 43_200_000;
}

/** When a trial ended, of the first payment after it: the first one that is not part of the checkout. */
export function trialBefore(order: Checkout, happening: Happening): Instant | undefined {
  const { kind, rate, at } = happening;
  return kind === "payment" && rate === 1 && !begins(order, happening) ? at : undefined;
}
