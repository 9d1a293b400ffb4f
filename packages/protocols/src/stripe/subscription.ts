import { type Unreadable, unreadable, type Values } from "../values.ts";
import type { Instant } from "../domain/day.ts";
import { type Fact, type FactBody, wholeOrder } from "../domain/fact.ts";
import { identityOf } from "../identity.ts";
import { instantOf, listIn, objectIn, refIn, type Said, stamp, type StripeEvent } from "./event.ts";
import { trialIdentity } from "./invoice.ts";
import { intervalOf } from "./lines.ts";
import { productOf } from "./product.ts";

/**
 * What a subscription says of itself: its trial, its planned end and whether that was taken back, and its end. Money is
 * told by its invoices alone; who bought, too.
 *
 * An end counts as cancelled from the last period on: before, payments are still due, and one that does not come is no
 * paid time. Stripe does not tell who chose a day, so no end is earlier than what was paid.
 * @returns unreadable_id
 * Source: Stripe API, "The Subscription object"
 */
export function subscriptionSays(event: StripeEvent): Said | Unreadable {
  const { object: subscription, previous, createdAt } = event;
  const orderId = refIn(subscription, "id");
  if (orderId === undefined) return unreadable("id", "The subscription has no id that can be read.");
  const items = itemsOf(subscription);
  const status = subscription["status"];
  // What never began has no end.
  if (status === "incomplete_expired") return { orderId, facts: [] };
  if (event.type === "customer.subscription.deleted" || status === "canceled") {
    const end = instantOf(subscription["ended_at"]) ?? instantOf(subscription["canceled_at"]) ?? createdAt;
    const since = instantOf(subscription["canceled_at"]) ?? end;
    return {
      orderId,
      facts: items.map((item) => cancelled(orderId, item, endsUnpaid(subscription) ? undefined : end, since)),
    };
  }
  const trialEnd = status === "trialing" ? instantOf(subscription["trial_end"]) : undefined;
  const trialStart = instantOf(subscription["trial_start"]) ?? createdAt;
  const facts = [
    ...(trialEnd === undefined ? [] : items.map((item) => trial(orderId, item, trialStart, trialEnd))),
    ...endFacts(subscription, previous, orderId, items, createdAt),
    ...removedFrom(previous, items).map((item) => cancelled(orderId, item, createdAt, createdAt)),
  ];
  return { orderId, facts };
}

type Item = Pick<Fact, "productId" | "productName" | "plan">;

/** A subscription whose products cannot be read speaks of them all. */
function itemsOf(subscription: Values): readonly Item[] {
  const items = distinct([...listIn(subscription, "items"), subscription]);
  return items.length > 0 ? items : [{ productId: wholeOrder }];
}

function distinct(entries: readonly Values[]): readonly Item[] {
  const items = entries.flatMap((values) => itemOf(values) ?? []);
  return [...new Map(items.map((item) => [item.productId, item])).values()];
}

function itemOf(values: Values): Item | undefined {
  const product = productOf(values);
  if (!product) return undefined;
  const interval = intervalOf(values);
  return {
    productId: product.id,
    ...(product.name !== undefined && { productName: product.name }),
    plan: { kind: "subscription", ...(interval && { interval }) },
  };
}

/** Products of which an update says that they were there before. */
function removedFrom(previous: Values, items: readonly Item[]): readonly Item[] {
  const before = distinct(listIn(previous, "items"));
  const still = new Set(items.map(({ productId }) => productId));
  return still.has(wholeOrder) ? [] : before.filter(({ productId }) => !still.has(productId));
}

function endFacts(
  subscription: Values,
  previous: Values,
  orderId: string,
  items: readonly Item[],
  createdAt: Instant | undefined,
): readonly Fact[] {
  const last = periodEnd(subscription);
  const end = plannedEnd(subscription, last);
  if (end.planned) {
    const since = instantOf(subscription["canceled_at"]) ?? createdAt;
    return items.map((item) => cancelled(orderId, item, isOverdue(subscription) ? undefined : end.at, since));
  }
  const before = plannedEnd({ ...subscription, ...previous }, last);
  const changed = "cancel_at" in previous || "cancel_at_period_end" in previous;
  return changed && before.planned ? items.map((item) => resumed(orderId, item, createdAt)) : [];
}

/** `cancel_at`, or the end of the period; one beyond this period is not yet counted. */
function plannedEnd(subscription: Values, last: Instant | undefined): { planned: boolean; at?: Instant | undefined } {
  const at = instantOf(subscription["cancel_at"]);
  if (at !== undefined) return { planned: last === undefined || at <= last, at };
  return { planned: subscription["cancel_at_period_end"] === true, at: last };
}

/** Of the subscription before basil, of its items since. */
function periodEnd(subscription: Values): Instant | undefined {
  const ends = [subscription, ...listIn(subscription, "items")].flatMap(
    (values) => instantOf(values["current_period_end"]) ?? [],
  );
  return ends.length > 0 ? Math.max(...ends) : undefined;
}

/** The period that ends then is not paid: a date would stand in for its payment. */
function isOverdue({ status }: Values): boolean {
  return status === "past_due" || status === "unpaid" || status === "incomplete";
}

/** Given up after payments did not come: the time until then was not paid, what was paid before decides. */
function endsUnpaid(subscription: Values): boolean {
  return objectIn(subscription, "cancellation_details")["reason"] === "payment_failed";
}

/** @param since when it was wished: the same end may be wished, taken back and wished again */
function cancelled(orderId: string, item: Item, end: Instant | undefined, since: Instant | undefined): Fact {
  const body: FactBody = { kind: "cancelled", ...(end !== undefined && { for: { at: end } }), chosenByVendor: false };
  return {
    ...body,
    identity: identityOf("cancelled", [orderId, item.productId, stamp(end), stamp(since)]),
    ...item,
    ...(since !== undefined && { happenedAt: since }),
  };
}

function resumed(orderId: string, item: Item, at: Instant | undefined): Fact {
  return {
    kind: "resumed",
    identity: identityOf("resumed", [orderId, item.productId, stamp(at)]),
    ...item,
    ...(at !== undefined && { happenedAt: at }),
  };
}

/** By its own time, so that whichever message comes first tells the same as the invoice. */
function trial(orderId: string, item: Item, from: Instant | undefined, to: Instant): Fact {
  return {
    kind: "trial",
    to: { at: to },
    identity: trialIdentity(orderId, item.productId, to),
    ...item,
    ...(from !== undefined && { happenedAt: from }),
  };
}
