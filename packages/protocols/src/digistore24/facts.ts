import type { Instant, When } from "../domain/day.ts";
import { type Fact, type FactBody, wholeOrder } from "../domain/fact.ts";
import { identityOf } from "../identity.ts";
import { type Item, itemsOf, type Line, linesOf } from "./items.ts";
import { isPaidUp, planOf } from "./plan.ts";
import { count, id, text, type Unreadable, unreadable, type Values, word } from "./read.ts";
import { dayBefore, instantOf, isOwnTransaction, transactionTime, whenOf } from "./times.ts";

export type Facts = { readonly ok: true; readonly facts: readonly Fact[] } | Unreadable;

/**
 * What an event about an order says.
 * @returns undefined for an event that says nothing of money, plan or access; unreadable_amount, unreadable_currency,
 *          unreadable_product_id, unreadable_transaction_id
 * Source: Digistore24 "IPN", events
 */
export function factsOf(event: string, values: Values, orderId: string): Facts | undefined {
  switch (event) {
    case "on_payment":
    case "on_payment_subscription_signup":
      return paymentFacts(values, orderId);
    case "on_refund":
    case "on_chargeback":
      return giveBackFacts(event, values, orderId);
    case "on_payment_missed":
      return isStop(word(values, "billing_stop_reason"))
        ? cancelledFacts(event, values, orderId)
        : failedFacts(event, values, orderId);
    case "payment_denial":
      return failedFacts(event, values, orderId);
    case "on_rebill_cancelled":
    case "last_paid_day":
      return cancelledFacts(event, values, orderId);
    case "on_rebill_resumed":
      return resumedFacts(event, values, orderId);
    default:
      return undefined;
  }
}

/**
 * Money received. Nothing paid at the start of a plan that goes on is a trial until the first payment is due.
 * A product that comes besides another one is paid once unless its own calls tell otherwise: a subscription taken for a
 * single sale costs the vendor a month, the other way round the buyer loses what was bought.
 */
function paymentFacts(values: Values, orderId: string): Facts {
  const items = itemsOf(values);
  if (items[0].productId === wholeOrder) return missing("product_id");
  const transactionId = id(text(values, "transaction_id"));
  if (transactionId === undefined) return missing("transaction_id");
  const happenedAt = transactionTime(values);
  const next = whenOf(values, "next_payment_at");
  const rate = rateOf(values);
  const repeats = word(values, "billing_type") !== "single_payment";
  const begins = repeats && next !== undefined && (rate ?? 1) === 1;
  const said = (item: Item, body: FactBody, paid?: Line["amount"]): Fact => ({
    ...commonOf(values, item, happenedAt, paid),
    ...body,
    identity: identityIn(orderId, body.kind, transactionId, item),
  });

  // What costs nothing needs no currency.
  if (begins && items.length === 1 && /^-?0+(\.0+)?$/.test(text(values, "transaction_amount").trim()))
    return { ok: true, facts: [said(items[0], { kind: "trial", to: next })] };
  const money = linesOf(values, items);
  if (!money.ok) return money;
  if (money.lines.length === 0) return noAmount();
  return {
    ok: true,
    facts: money.lines.map(({ amount, ...item }): Fact => {
      if (item.besides && repeats) return said(item, { kind: "payment", transactionId, amount });
      if (begins && amount.minor === 0n) return said(item, { kind: "trial", to: next });
      const due = repeats && next ? { next } : {};
      return said(item, { kind: "payment", transactionId, amount, ...(rate && { rate }), ...due }, amount);
    }),
  };
}

/**
 * Money that went back. Digistore24 tells of a chargeback when it has lost the money, and nothing after that but a new
 * payment; so the case is decided and counts as given back, and whoever pays again has access again. Left open, it
 * would close the order for good. Only where no amount is told it stays open: then the order is suspended.
 */
function giveBackFacts(event: "on_refund" | "on_chargeback", values: Values, orderId: string): Facts {
  const items = itemsOf(values);
  const transactionId = id(text(values, "transaction_id"));
  if (transactionId === undefined) return missing("transaction_id");
  const happenedAt = transactionTime(values);
  const number = rateOf(values);
  const rate = number ? { rate: number } : {};
  const parent = id(text(values, "parent_transaction_id"));
  const refunds = parent !== undefined && parent !== transactionId ? { refunds: parent } : {};
  const money = linesOf(values, items);
  if (!money.ok) return money;
  const said = (item: Item, body: FactBody): Fact => ({
    ...commonOf(values, item, happenedAt),
    ...body,
    identity: identityIn(orderId, body.kind, transactionId, item),
  });
  if (money.lines.length === 0 && event === "on_refund") return noAmount();
  const lines = money.lines.filter(({ amount }) => amount.minor > 0n);
  if (lines.length === 0 && event === "on_chargeback")
    return { ok: true, facts: items.map((item) => said(item, { kind: "dispute_opened", transactionId, ...rate })) };
  return {
    ok: true,
    facts: lines.map(({ amount, ...item }) =>
      event === "on_refund"
        ? said(item, { kind: "refund", transactionId, amount, ...refunds, ...rate })
        : said(item, { kind: "dispute_lost", transactionId, amount, ...rate }),
    ),
  };
}

/**
 * A payment that did not come in. It names no rate: whether pay_sequence_no is that of the missed payment or of the last
 * one made is not documented, and a failure whose rate is paid would be taken for old news.
 */
function failedFacts(event: string, values: Values, orderId: string): Facts {
  const [item] = itemsOf(values);
  const own = isOwnTransaction(event, values);
  const happenedAt = own ? transactionTime(values) : undefined;
  const known = own ? id(text(values, "transaction_id")) : undefined;
  const body = (transactionId: string): FactBody => ({ kind: "payment_failed", transactionId });
  const fact = { ...commonOf(values, item, happenedAt) };
  if (known !== undefined)
    return {
      ok: true,
      facts: [{ ...fact, ...body(known), identity: identityIn(orderId, "payment_failed", known, item) }],
    };
  // A failure moved no money and may come without a number. This one is the same on every repeat.
  const at = [count(text(values, "pay_sequence_no")), happenedAt === undefined ? undefined : isoTime(happenedAt)];
  const place = at.flatMap((part) => (part === undefined ? [] : [String(part)])).join("-");
  const transactionId = [orderId, ...(item.itemId ? [item.itemId] : []), ...(place ? [place] : [])].join("-");
  return {
    ok: true,
    facts: [{ ...fact, ...body(transactionId), identity: identityIn(orderId, "payment_failed", place, item) }],
  };
}

/**
 * The plan stops. Billing ends, access runs on until what was paid is used up; a last paid day is over when it is told.
 * What is paid up cannot be stopped any more.
 */
function cancelledFacts(event: string, values: Values, orderId: string): Facts {
  if (isPaidUp(values)) return { ok: true, facts: [] };
  const [item] = itemsOf(values);
  const own = isOwnTransaction(event, values) ? transactionTime(values) : undefined;
  const noted = event === "last_paid_day" ? undefined : instantOf(values, "rebill_stop_noted_at");
  const happenedAt = noted ?? own;
  const names = event === "on_rebill_cancelled" ? ["is_cancelled_for", "next_payment_at"] : ["is_cancelled_for"];
  // It is told early on the following morning.
  const last = event === "last_paid_day" && own !== undefined ? dayBefore(own) : undefined;
  const until = whenOf(values, ...names) ?? (last && { day: last });
  const body: FactBody = { kind: "cancelled", ...(until && { for: until }), chosenByVendor: false };
  return { ok: true, facts: [planFact(values, orderId, item, body, happenedAt)] };
}

function resumedFacts(event: string, values: Values, orderId: string): Facts {
  const [item] = itemsOf(values);
  const happenedAt = isOwnTransaction(event, values) ? transactionTime(values) : undefined;
  return { ok: true, facts: [planFact(values, orderId, item, { kind: "resumed" }, happenedAt)] };
}

/** A plan may be stopped and resumed again and again; each is told apart by its time, or by where the plan stood. */
function planFact(values: Values, orderId: string, item: Item, body: FactBody, happenedAt: Instant | undefined): Fact {
  const number = count(text(values, "pay_sequence_no"));
  const next = whenOf(values, "next_payment_at");
  const time = happenedAt === undefined ? `${number ?? ""}/${dateText(next)}` : isoTime(happenedAt);
  const until = body.kind === "cancelled" ? dateText(body.for) : "";
  const transaction = id(text(values, "transaction_id"), 60) ?? "";
  return {
    ...commonOf(values, item, happenedAt),
    ...body,
    identity: identityIn(orderId, body.kind, transaction, item, time, until),
  };
}

function dateText(when: When | undefined): string {
  if (!when) return "";
  return "day" in when ? when.day : isoTime(when.at);
}

function isoTime(at: Instant): string {
  return new Date(at).toISOString();
}

/**
 * The reason says that somebody stopped the plan or gave the money back: then the payment that is missing was never to
 * come. Newer calls are not sent for these, older ones are; for whoever does not get the others this is the only word.
 * Source: Digistore24 "IPN", on_payment_missed and billing_stop_reason
 */
function isStop(reason: string): boolean {
  return ["by_buyer", "by_operator", "upgraded", "by_refund", "by_chargeback"].includes(reason);
}

/** A single payment, number 0, is the first of one. */
function rateOf(values: Values): number | undefined {
  const number = count(text(values, "pay_sequence_no"));
  return number === 0 ? 1 : number;
}

type Common = Pick<Fact, "productId" | "productName" | "happenedAt" | "plan" | "quantity">;

function commonOf(
  values: Values,
  { productId, productName, quantity, besides }: Item,
  happenedAt: Instant | undefined,
  paid?: Line["amount"],
): Common {
  const plan = planOf(values, paid);
  return {
    productId,
    ...(productName && { productName }),
    ...(happenedAt !== undefined && { happenedAt }),
    ...(plan && (!besides || plan.kind === "once") && { plan }),
    ...(quantity && { quantity }),
  };
}

/** The same product may be in an order twice, and a transaction may be for both. */
function identityIn(
  orderId: string,
  kind: FactBody["kind"],
  transactionId: string,
  { productId, itemId }: Item,
  ...rest: readonly string[]
): string {
  return identityOf(kind, [transactionId, orderId, productId, ...(itemId ? [itemId] : []), ...rest]);
}

function missing(name: string): Unreadable {
  return unreadable(name, `The field ${name} is missing or cannot be read.`);
}

function noAmount(): Unreadable {
  return unreadable("amount", "The message names no amount (transaction_amount), so nothing can be booked.");
}
