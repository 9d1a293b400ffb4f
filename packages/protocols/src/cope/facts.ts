import { unreadable, type Unreadable, type Values } from "../values.ts";
import { type Fact, type FactBody, type Plan, wholeOrder } from "../domain/fact.ts";
import type { Currency, Money } from "../domain/money.ts";
import { identityOf } from "../identity.ts";
import { type Ids, objectIn } from "./ids.ts";
import { cents, currencyOf, type Line, linesOf, shareOut } from "./lines.ts";
import type { Message } from "./message.ts";

export type Facts = { readonly ok: true; readonly facts: readonly Fact[] } | Unreadable;

/**
 * What one message says. An event of an unknown name says nothing.
 * @returns unreadable_order, unreadable_product, unreadable_amount, unreadable_currency, unreadable_refund, unreadable_case
 * Source: docs.cope.com, event types
 */
export function factsOf(message: Message, ids: Ids): Facts {
  switch (message.event) {
    case "cart.order.completed":
    case "payment.sale.succeeded":
      return saleFacts(message, ids);
    case "payment.refund.created":
      return refundFacts(message, ids);
    case "payment.refund.reversed":
      return reversalFacts(message, ids);
    case "payment.dispute.opened":
    case "payment.chargeback.created":
      return caseFacts("dispute_opened", message, ids);
    case "payment.dispute.won":
    case "payment.chargeback.reversed":
      return caseFacts("dispute_won", message, ids);
    case "payment.dispute.lost":
      return caseFacts("dispute_lost", message, ids);
    case "subscription.cancelled":
      return cancelledFacts(message, ids);
    default:
      return { ok: true, facts: [] };
  }
}

/**
 * The order's completion and the sale tell of the same money: whichever comes first books it, under the payment's id.
 * Only an order that names no payment (it was free) is booked under its own.
 */
function saleFacts({ payload, at }: Message, ids: Ids): Facts {
  const transactionId = ids.payment ?? ids.order;
  if (transactionId === undefined) return unreadable("order", "The message names neither an order nor a payment.");
  const read = linesOf(payload);
  if (!read.ok) return read;
  if (read.lines.length === 0) return unreadable("product", "The message lists no products (line_items).");
  const currency = currencyOf(payload);
  if (!currency) return noCurrency;
  const paid = parts(read.lines, statedAmount(payload, ["payment"], ["totals"]), currency);
  if (!paid.ok) return paid;
  return {
    ok: true,
    facts: paid.parts.map(({ line, amount }) => {
      const plan = planOf(line, read.lines, ids);
      const body = { kind: "payment" as const, transactionId, amount };
      return { ...factOf(body, [transactionId], line, at), ...(plan && { plan }) };
    }),
  };
}

/** The lines are either what was given back or what had been bought: where they do not add up, each bears its part. */
function refundFacts({ payload, at }: Message, ids: Ids): Facts {
  const { refund, payment } = ids;
  if (refund === undefined) return noRefund;
  const read = linesOf(payload);
  if (!read.ok) return read;
  const currency = currencyOf(payload);
  if (!currency) return noCurrency;
  const lines = read.lines.length > 0 ? read.lines : [{ productId: wholeOrder }];
  const back = parts(lines, statedAmount(payload, ["refund"], []), currency);
  if (!back.ok) return back;
  return {
    ok: true,
    facts: back.parts
      .filter(({ amount }) => amount.minor > 0n)
      .map(({ line, amount }) => {
        const refunds = payment === undefined ? {} : { refunds: payment };
        return factOf({ kind: "refund", transactionId: refund, amount, ...refunds }, [refund], line, at);
      }),
  };
}

/** Neither order nor buyer is named: the refund it takes back is all it knows. */
function reversalFacts({ at }: Message, { refund }: Ids): Facts {
  if (refund === undefined) return noRefund;
  const body = { kind: "refund_reversed" as const, transactionId: refund, reverses: refund };
  return { ok: true, facts: [factOf(body, [refund], { productId: wholeOrder }, at)] };
}

/**
 * A dispute and the chargeback that goes with it are one case, known by the payment it is about. The verdict may change
 * back and forth: each word is a fact of its own.
 */
function caseFacts(kind: "dispute_opened" | "dispute_won" | "dispute_lost", message: Message, ids: Ids): Facts {
  const { payload, at, event } = message;
  const ownId = event.startsWith("payment.dispute.") ? ids.dispute : ids.chargeback;
  const transactionId = ids.payment ?? ids.dispute ?? ids.chargeback;
  if (transactionId === undefined)
    return unreadable("case", "The message names neither its dispute nor the payment it is about.");
  const minor = statedAmount(payload, ["dispute", "chargeback"], []);
  const currency = currencyOf(payload);
  const required = kind === "dispute_lost";
  if (minor === "unreadable" || (required && minor === undefined)) return noAmount;
  if (required && !currency) return noCurrency;
  const amount = minor !== undefined && currency ? { amount: { minor, currency } } : {};
  const name = event.split(".")[1] ?? "";
  const time = at === undefined ? "" : new Date(at).toISOString();
  const body = { kind, transactionId, ...amount };
  return { ok: true, facts: [factOf(body, [name, ownId ?? transactionId, time], { productId: wholeOrder }, at)] };
}

/** Its payload is not published: a date it may name is not looked for, and no date is never today. */
function cancelledFacts({ payload, at }: Message, { order, subscription }: Ids): Facts {
  const agreement = subscription ?? order;
  if (agreement === undefined) return unreadable("order", "The message names neither a subscription nor an order.");
  const read = linesOf(payload);
  const lines = read.ok && read.lines.length > 0 ? read.lines : [{ productId: wholeOrder }];
  const time = at === undefined ? "" : new Date(at).toISOString();
  return {
    ok: true,
    facts: lines.map((line) => factOf({ kind: "cancelled", chosenByVendor: false }, [agreement, time], line, at)),
  };
}

function factOf(body: FactBody, parts: readonly string[], line: Line, at: number | undefined): Fact {
  const { productId, productName, quantity } = line;
  return {
    ...body,
    identity: identityOf(body.kind, [...parts, productId]),
    productId,
    ...(productName !== undefined && { productName }),
    ...(at !== undefined && { happenedAt: at }),
    // How many were bought is the sale's word; what a refund counts is not said.
    ...(body.kind === "payment" && quantity !== undefined && { quantity }),
  };
}

/** A subscription of the order as a whole is that of its product where it has only one. */
function planOf(line: Line, lines: readonly Line[], { subscription }: Ids): Plan | undefined {
  const repeats = line.subscription !== undefined || (lines.length === 1 && subscription !== undefined);
  return repeats ? { kind: "subscription" } : undefined;
}

/** What the message says was moved, in the object that is about it or, failing that, in the totals. */
function statedAmount(payload: Values, own: readonly string[], totals: readonly string[]) {
  const inOwn = own.flatMap((name) => {
    const values = objectIn(payload, name);
    return [values["amount_cents"], values["gross_cents"], objectIn(values, "amounts")["gross_cents"]];
  });
  const inTotals = totals.flatMap((name) => {
    const values = objectIn(payload, name);
    return [values["gross_cents"], values["total_cents"]];
  });
  const loose = [payload["amount_cents"], payload["gross_cents"]];
  return cents([...inOwn, ...loose, ...inTotals].find((value) => value !== undefined && value !== null));
}

type Parts =
  | { readonly ok: true; readonly parts: readonly { readonly line: Line; readonly amount: Money }[] }
  | Unreadable;

/** The money of each line. What the message states as a whole is shared among them where they do not add up to it. */
function parts(lines: readonly Line[], stated: ReturnType<typeof cents>, currency: Currency): Parts {
  if (stated === "unreadable") return noAmount;
  const own = lines.map(({ minor }) => minor);
  const complete = own.every((minor) => minor !== undefined);
  if (stated === undefined && !complete) return noAmount;
  // Several products and one sum: what each cost is not said, and is not guessed.
  if (!complete && lines.length > 1) return noAmount;
  const weights = own.map((minor) => minor ?? 0n);
  const shares = stated === undefined ? weights : shareOut(stated, weights);
  return {
    ok: true,
    parts: lines.map((line, index) => ({ line, amount: { minor: shares[index] ?? 0n, currency } })),
  };
}

const noAmount = unreadable("amount", "The message names no amount that can be read as a whole number of cents.");
const noCurrency = unreadable("currency", "The currency of this message is missing or unknown.");
const noRefund = unreadable("refund", "The message does not say which refund it is about.");
