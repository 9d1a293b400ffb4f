import type { Instant } from "../domain/day.ts";
import { type Fact, type FactBody, wholeOrder } from "../domain/fact.ts";
import { type Currency, parseCurrency } from "../domain/money.ts";
import { identityOf } from "../identity.ts";
import { blank, id, type Unreadable, unreadable, type Values } from "../values.ts";
import type { Occasion } from "./events.ts";
import { chargesOf, deferredOf, type Item, itemIn, moneyOf, wholeCharge } from "./items.ts";
import { field, part } from "./message.ts";
import { firstOf, happenedAt, orderedAt } from "./times.ts";

export type Facts = { readonly ok: true; readonly facts: readonly Fact[] } | Unreadable;

/**
 * What a message says.
 * @param order the provider's id of it; of a renewal that names none, the subscription's
 * @returns unreadable_currency, unreadable_amount, unreadable_product, unreadable_invoice
 * Source: ThriveCart "Using webhook notifications"; API "Event subscriptions"
 */
export function factsOf(occasion: Occasion, values: Values, order: string): Facts {
  switch (occasion) {
    case "sale":
      return saleFacts(values, order);
    case "renewal":
      return renewalFacts(values, order);
    case "refund":
      return refundFacts(values, order);
    case "failure":
      return planFact(values, order, {
        kind: "payment_failed",
        transactionId: invoiceOf(values) ?? order,
      });
    case "cancellation":
    case "pause": {
      // A pause stops billing as a cancellation does, until it is lifted: what was paid runs on, and no further.
      const end = firstOf(
        values,
        ["subscription", "billing_period_end_iso8601"],
        ["subscription", "billing_period_end"],
      );
      return planFact(values, order, {
        kind: "cancelled",
        ...(end !== undefined && { for: { at: end } }),
        chosenByVendor: false,
      });
    }
    case "resumption":
      return planFact(values, order, { kind: "resumed" });
    default:
      return occasion satisfies never;
  }
}

/** Several charges in one message are one payment of several products. */
function saleFacts(values: Values, order: string): Facts {
  const currency = currencyOf(values);
  if (!currency) return noCurrency;
  const listed = chargesOf(values, currency);
  if (!listed) return noAmount;
  // What costs nothing now and something later is on trial; what costs nothing at all is bought for nothing.
  const charged = new Set(listed.filter(({ amount }) => amount.minor > 0n).map(({ productId }) => productId));
  const later = deferredOf(values).filter(({ item }) => !charged.has(item.productId));
  const trials = new Map(later.map((one) => [one.item.productId, one]));
  const alone = listed.length === 0 ? wholeCharge(values, currency) : [];
  if (!alone) return noAmount;
  const paid = [...listed, ...alone].filter(({ productId, amount }) => amount.minor > 0n || !trials.has(productId));
  if (paid.length === 0 && trials.size === 0) {
    return unreadable("product", "The order names neither its charges nor its product.");
  }
  const transactionId = invoiceOf(values) ?? order;
  const at = happened(orderedAt(values));
  return facts([
    ...paid.map(
      ({ amount, ...item }): Fact => ({
        kind: "payment",
        transactionId,
        amount,
        identity: identityOf("payment", [transactionId, order, item.productId]),
        ...item,
        ...at,
      }),
    ),
    ...Array.from(
      trials.values(),
      ({ item, due }): Fact => ({
        kind: "trial",
        to: { at: due },
        identity: identityOf("trial", [order, item.productId]),
        ...item,
        ...at,
      }),
    ),
  ]);
}

/** The charges beside it are those of the order it renews. */
function renewalFacts(values: Values, order: string): Facts {
  const currency = currencyOf(values);
  if (!currency) return noCurrency;
  const own = part(values, "subscription");
  const stated = !blank(field(own, "amount_gross")) || !blank(field(own, "amount"));
  const amount = stated ? moneyOf(own, currency) : moneyOf(part(values, "order"), currency, "total_gross", "total");
  const item = itemIn(values, "subscription") ?? baseItem(values);
  if (!amount) return noAmount;
  if (!item) return noProduct;
  const moment = momentOf(values);
  const transactionId = invoiceOf(values) ?? (moment && `${order} ${moment}`);
  if (!transactionId) {
    return unreadable(
      "invoice",
      "The payment names neither its invoice nor its time, so it cannot be told from others.",
    );
  }
  // An invoice may be that of the order it renews: a renewal is another payment all the same.
  const identity = identityOf("payment", [transactionId, order, item.productId, "rebill"]);
  return facts([{ kind: "payment", transactionId, amount, identity, ...item, ...happened(happenedAt(values)) }]);
}

/** Which of an item's payments is meant is not told, and the invoice may be either's. */
function refundFacts(values: Values, order: string): Facts {
  const currency = currencyOf(values);
  if (!currency) return noCurrency;
  const amount = moneyOf(part(values, "refund"), currency);
  if (!amount) return noAmount;
  const item = itemIn(values, "refund") ?? { productId: wholeOrder };
  const transactionId = invoiceOf(values) ?? order;
  const parts = [transactionId, order, item.productId, String(amount.minor), momentOf(values)];
  const { productId, productName } = item;
  return facts([
    {
      kind: "refund",
      transactionId,
      amount,
      identity: identityOf("refund", parts),
      productId,
      ...(productName && { productName }),
      ...happened(happenedAt(values)),
    },
  ]);
}

/** What concerns one plan and moves no money. */
function planFact(values: Values, order: string, body: FactBody): Facts {
  const item: Item = itemIn(values, "subscription") ?? baseItem(values) ?? { productId: wholeOrder };
  // The same may happen to a plan more than once: its time tells one from another.
  const identity = identityOf(body.kind, [order, item.productId, momentOf(values)]);
  return facts([{ ...body, identity, ...item, ...happened(happenedAt(values)) }]);
}

/** The time of a message, where it carries none the id that stays the same over its repeats; else "". */
function momentOf(values: Values): string {
  const at = happenedAt(values);
  if (at !== undefined) return new Date(at).toISOString();
  return id(field(values, "webhook_id")) ?? id(field(values, "event_id")) ?? "";
}

function invoiceOf(values: Values): string | undefined {
  return id(field(values, "invoice_id")) ?? id(field(values, "subscription", "invoice_id"));
}

function baseItem(values: Values): Item | undefined {
  const reference = id(field(values, "base_product"));
  return reference === undefined ? undefined : { productId: `product-${reference}` };
}

function currencyOf(values: Values): Currency | undefined {
  return parseCurrency(field(values, "currency") ?? field(values, "subscription", "currency"));
}

function happened(at: Instant | undefined): { happenedAt?: Instant } {
  return at === undefined ? {} : { happenedAt: at };
}

function facts(list: readonly Fact[]): Facts {
  return { ok: true, facts: list };
}

const noCurrency = unreadable("currency", "The currency of this message (currency) is missing or unknown.");
const noAmount = unreadable("amount", "An amount of this message cannot be read as hundredths such as 1499.");
const noProduct = unreadable("product", "The message does not name the product it speaks of.");
