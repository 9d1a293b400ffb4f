import type { Instant, When } from "@paybell/protocols/domain/day";
import type { Buyer, Plan, Reading } from "@paybell/protocols/domain/fact";
import type { Money } from "@paybell/protocols/domain/money";
import type { PaymentData, PaymentEvent } from "@paybell/protocols/domain/payment";
import type { Announcement } from "../send/events.ts";
import type { Held } from "./held-rows.ts";
import type { LedgerFact } from "./ledger-fact.ts";
import type { KnownPlan } from "./plan.ts";

/** What the notification a fact came from says beside it. */
export type Said = Pick<Reading, "event" | "orderedOn" | "buyer">;

/** Data of an event about money or an order, with our own ids to join by. */
export type OurPaymentData = PaymentData & { readonly customer_id: string; readonly item_id: string };

/**
 * A booked fact as it is announced. It depends on the fact and on what is known of order and buyer, not on what else
 * has arrived: whatever the order of arrival, the same is announced.
 * @param said undefined: the notification cannot be read any more
 * @param known the item's plan, for a fact that names none
 * @returns undefined: such a fact is announced otherwise (a changed contact)
 */
export function announcementOf(
  held: Held,
  fact: LedgerFact,
  said: Said | undefined,
  known: () => KnownPlan,
): Announcement | undefined {
  const type = typeOf(fact.kind);
  if (!type) return undefined;
  const buyer = said?.buyer ?? held.order.buyer;
  const data: OurPaymentData = {
    order_id: held.order.id,
    customer_id: held.customer.id,
    item_id: held.id,
    ordered_at: said?.orderedOn ?? held.order.buyer.orderedOn ?? null,
    ...transactionData(fact),
    product: productData(held, fact.productName),
    quantity: fact.quantity ?? null,
    buyer: buyerData(held, buyer),
    reference: held.customer.erased ? null : (buyer.reference ?? null),
    amount: "amount" in fact && fact.amount ? amountData(fact.amount) : null,
    plan: planData(fact.plan ?? known()),
    rate: "rate" in fact ? (fact.rate ?? null) : null,
    ...dateData(fact),
    happened_at: new Date(fact.happenedAt).toISOString(),
    provider: held.protocol,
    provider_event: said?.event ?? null,
    test: held.mode === "test",
  };
  return announced(held, type, fact.happenedAt, data);
}

/** The first that is known of an order. */
export function orderCreated(held: Held, at: Instant): Announcement {
  const { id, buyer } = held.order;
  return announced(held, "order.created", at, {
    order_id: id,
    customer_id: held.customer.id,
    ordered_at: buyer.orderedOn ?? null,
    buyer: buyerData(held, buyer),
    reference: held.customer.erased ? null : (buyer.reference ?? null),
    provider: held.protocol,
    test: held.mode === "test",
  });
}

/** An instalment plan is fully paid. */
export function orderCompleted(held: Held, plan: KnownPlan, at: Instant): Announcement {
  return announced(held, "order.completed", at, {
    order_id: held.order.id,
    customer_id: held.customer.id,
    item_id: held.id,
    product: productData(held),
    buyer: buyerData(held, held.order.buyer),
    plan: planData(plan),
    provider: held.protocol,
    test: held.mode === "test",
  });
}

/** The item's product as all events name it. */
export function productData(held: Held, name?: string): PaymentData["product"] {
  return { id: held.productKey, name: name ?? held.productName, product_id: held.product?.id ?? null };
}

function announced(
  { accountId, mode, order }: Held,
  type: string,
  at: Instant,
  data: Announcement["data"],
): Announcement {
  return { accountId, mode, type, at, orderKey: order.id, data };
}

function typeOf(kind: LedgerFact["kind"]): PaymentEvent | undefined {
  switch (kind) {
    case "payment":
      return "payment.made";
    case "payment_pending":
      return "payment.pending";
    case "payment_failed":
      return "payment.failed";
    case "refund":
      return "payment.refunded";
    case "refund_reversed":
      return "payment.refund_reversed";
    case "dispute_opened":
      return "payment.disputed";
    case "dispute_won":
      return "payment.dispute_won";
    case "dispute_lost":
      return "payment.dispute_lost";
    case "trial":
      return "order.trial_started";
    case "cancelled":
      return "order.cancelled";
    case "resumed":
      return "order.resumed";
    case "contact_changed":
      return undefined;
    default:
      return kind satisfies never;
  }
}

/** A refund names its payment only where the provider does: which one we match it with changes with what arrives. */
function transactionData(fact: LedgerFact): Pick<PaymentData, "transaction_id" | "parent_transaction_id"> {
  const transaction_id = "transactionId" in fact ? fact.transactionId : null;
  const parent = fact.kind === "refund" ? fact.refunds : fact.kind === "refund_reversed" ? fact.reverses : undefined;
  return { transaction_id, parent_transaction_id: parent === transaction_id ? null : (parent ?? null) };
}

/** Mail of the order goes to its contact address, so that is the buyer's. Nobody is left of an erased customer. */
function buyerData(held: Held, buyer: Omit<Buyer, "email">): PaymentData["buyer"] {
  if (held.customer.erased) return { email: "" };
  return {
    email: held.order.contactEmail,
    id: held.customer.id,
    first_name: buyer.firstName ?? null,
    last_name: buyer.lastName ?? null,
    company: buyer.company ?? null,
    country: buyer.country ?? null,
    language: buyer.language ?? null,
  };
}

/** @returns null for an amount beyond what a JSON number holds exactly: rather none than a wrong one */
function amountData({ minor, currency }: Money): NonNullable<PaymentData["amount"]> | null {
  return minor > BigInt(Number.MAX_SAFE_INTEGER) ? null : { minor: Number(minor), currency };
}

function planData(plan: Plan | KnownPlan): PaymentData["plan"] {
  if (plan.kind === "once") return { kind: "once" };
  const interval = "interval" in plan ? (plan.interval ?? null) : null;
  if (plan.kind === "subscription") return { kind: plan.kind, interval };
  return { kind: plan.kind, interval, total: "total" in plan ? (plan.total ?? null) : null };
}

function dateData(fact: LedgerFact): Pick<PaymentData, "next_payment_at" | "ends_at"> {
  const next = fact.kind === "payment" ? fact.next : undefined;
  const end = fact.kind === "trial" ? fact.to : fact.kind === "cancelled" ? fact.for : undefined;
  return { next_payment_at: whenText(next), ends_at: whenText(end) };
}

function whenText(when: When | undefined): string | null {
  if (!when) return null;
  return "day" in when ? when.day : new Date(when.at).toISOString();
}
