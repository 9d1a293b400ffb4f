import { count, id, label, unreadable, type Unreadable, type Values, word } from "../values.ts";
import { type Instant, parseDay, parseInstant, type When } from "../domain/day.ts";
import { type Fact, type FactBody, type Plan, wholeOrder } from "../domain/fact.ts";
import { type Money, parseCurrency, parseMinor } from "../domain/money.ts";
import { identityOf } from "../identity.ts";
import { type Ids, idsOf, isOfOrder, type Kind, objectIn, type OrderKind } from "./message.ts";

export type Facts = { readonly ok: true; readonly facts: readonly Fact[] } | Unreadable;

/**
 * What a message says that ablefy has confirmed.
 * @returns unreadable_transfer, unreadable_order, unreadable_product, unreadable_amount, unreadable_currency
 * Source: published captures; ablefy help, webhooks
 */
export function factsOf(kind: Kind, values: Values): Facts {
  if (kind === "other") return { ok: true, facts: [] };
  const ids = idsOf(values);
  const product = productOf(values);
  const time = timeOf(values);
  const said = isOfOrder(kind) ? orderSaid(kind, ids, time) : moneySaid(kind, values, ids);
  if (!said.ok) return said;
  const { body, parts } = said;
  if (!body) return { ok: true, facts: [] };
  // A payment always says what it was for; what is given back is of its payment, whatever that was for.
  if (!product && body.kind === "payment")
    return unreadable("product", "The field product_id is missing or cannot be read.");
  const plan = planOf(values);
  // The dates are those of the order or of its payment: when it was cancelled or taken up again is not among them.
  const happenedAt = kind === "cancelled" || kind === "reactivated" ? undefined : time;
  const fact: Fact = {
    ...body,
    identity: identityOf(body.kind, [...parts, product?.productId ?? wholeOrder]),
    ...(product ?? { productId: wholeOrder }),
    ...(happenedAt !== undefined && { happenedAt }),
    ...(plan && { plan }),
  };
  return { ok: true, facts: [fact] };
}

type Said = { readonly ok: true; readonly body?: FactBody; readonly parts: readonly string[] } | Unreadable;

function moneySaid(kind: Exclude<Kind, "other" | OrderKind>, values: Values, ids: Ids): Said {
  const { transfer, original } = ids;
  if (transfer === undefined) return unreadable("transfer", "The field id is missing or cannot be read.");
  const money = revenueOf(values);
  const parts = [transfer];
  const amount = money.ok ? { amount: money.amount } : {};
  switch (kind) {
    case "paid": {
      if (!money.ok) return money;
      const rate = count(values["payments_count"]);
      const next = nextOf(values);
      const more = { ...(rate && { rate }), ...(next && { next }) };
      return { ok: true, parts, body: { kind: "payment", transactionId: transfer, amount: money.amount, ...more } };
    }
    case "pending":
      return { ok: true, parts, body: { kind: "payment_pending", transactionId: transfer, ...amount } };
    case "failed":
      return { ok: true, parts, body: { kind: "payment_failed", transactionId: transfer } };
    case "refunded": {
      if (!money.ok) return money;
      const refunds = original === undefined ? {} : { refunds: original };
      return { ok: true, parts, body: { kind: "refund", transactionId: transfer, amount: money.amount, ...refunds } };
    }
    case "charged_back":
      return { ok: true, parts, body: { kind: "dispute_opened", transactionId: original ?? transfer, ...amount } };
    case "charge_returned":
      return { ok: true, parts, body: { kind: "dispute_won", transactionId: original ?? transfer, ...amount } };
    default:
      return kind satisfies never;
  }
}

/**
 * No end is sent: what was paid decides. That a subscription is active is said at its purchase too, and late messages of
 * that would lift a cancellation: it counts only with a time.
 */
function orderSaid(kind: OrderKind, { order }: Ids, time: Instant | undefined): Said {
  if (order === undefined) return unreadable("order", "The field order_id is missing or cannot be read.");
  const parts = [order, kind, time === undefined ? "" : new Date(time).toISOString()];
  if (kind === "cancelled") return { ok: true, parts, body: { kind, chosenByVendor: false } };
  return kind === "resumed" && time === undefined
    ? { ok: true, parts }
    : { ok: true, parts, body: { kind: "resumed" } };
}

/** What the buyer paid, negative on a chargeback. `amount` is the seller's share after fees. */
function revenueOf(values: Values): { readonly ok: true; readonly amount: Money } | Unreadable {
  const currency = parseCurrency(values["currency"]);
  if (!currency) return unreadable("currency", "The currency of this message is missing or unknown.");
  const minor = parseMinor(values["revenue"], currency);
  if (minor === undefined) return unreadable("amount", "The field revenue is missing or cannot be read.");
  return { ok: true, amount: { minor: minor < 0n ? -minor : minor, currency } };
}

/** Memberships and tickets have groups of their own beside the product's. */
function productOf(values: Values): Pick<Fact, "productId" | "productName"> | undefined {
  const product = objectIn(values, "product");
  const membership = objectIn(values, "membership");
  const productId = id(values["product_id"]) ?? id(product["id"]) ?? id(membership["id"]);
  const productName = label(product["name"]) ?? label(membership["name"]);
  return productId === undefined ? undefined : { productId, ...(productName && { productName }) };
}

/** Instalments and limited subscriptions are forms of their own: only instalments are complete some day. */
function planOf(values: Values): Plan | undefined {
  const recurring = word(values["recurring"]);
  if (recurring === "no" || recurring === "false") return { kind: "once" };
  if (recurring !== "yes" && recurring !== "true") return undefined;
  if (!/instal/.test(word(values["recurring_form"]))) return { kind: "subscription" };
  const total = count(values["payments_count_expected"]);
  return { kind: "instalments", ...(total && { total }) };
}

/** The first rate of the schedule that is still to be paid. */
function nextOf(values: Values): When | undefined {
  const schedule: unknown = values["payments_schedule"];
  for (const entry of Array.isArray(schedule) ? schedule : []) {
    const rate = objectIn({ entry }, "entry");
    const [, day, month, year] = /^(\d{2})\.(\d{2})\.(\d{4})$/.exec(label(rate["date"]) ?? "") ?? [];
    if (word(rate["state"]) === "to_be_paid") {
      const known = parseDay(`${year}-${month}-${day}`);
      return known && { day: known };
    }
  }
  return undefined;
}

function timeOf(values: Values): Instant | undefined {
  const utc = ["success_date_utc", "created_date_utc"].map((name) => parseInstant(values[name], "UTC"));
  const local = ["success_date", "created_date"].map((name) => parseInstant(values[name], "Europe/Berlin"));
  return [utc[0], local[0], utc[1], local[1]].find((time) => time !== undefined);
}
