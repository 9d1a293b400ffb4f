import { parseInstant, parseWhen, type When } from "../domain/day.ts";
import type { Fact, FactBody, Plan } from "../domain/fact.ts";
import { type Currency, parseCurrency } from "../domain/money.ts";
import { identityOf } from "../identity.ts";
import type { RegularEvent } from "./fields.ts";
import { type Line, linesOf } from "./lines.ts";
import { planOf } from "./plan.ts";
import { blank, count, label, type Unreadable, unreadable, type Values, word } from "../values.ts";

/** The item a message speaks of. */
export type Item = { readonly orderId: string; readonly productId: string };

export type Facts = { readonly ok: true; readonly facts: readonly Fact[] } | Unreadable;

/** Values without a zone are read in this one. Source: CopeCart "IPN" 1.6.7, dates */
const zone = "Europe/Berlin";

/**
 * What one of the six regular events says.
 * @returns unreadable_amount, unreadable_currency, unreadable_trial_end
 * Source: CopeCart "IPN" 1.6.7, event_type and payment_status
 */
export function regularFacts(event: RegularEvent, values: Values, item: Item, transactionId: string): Facts {
  const kind = kindOf(event, word(values["payment_status"]).replace(/^test_/, ""));
  const happenedAt =
    parseInstant(values["transaction_processed_at"], zone) ?? parseInstant(values["transaction_date"], zone);
  const currency = parseCurrency(values["transaction_currency"]);
  const split = splitOf(kind, values, item, currency);
  if (!split.ok) return split;

  const common = {
    ...commonOf(values, item, currency),
    ...(happenedAt !== undefined && { happenedAt }),
  };
  const time = happenedAt === undefined ? "" : new Date(happenedAt).toISOString();
  const facts: Fact[] = [];
  for (const line of split.lines) {
    const body = bodyOf(kind, values, transactionId, line);
    if (!body)
      return unreadable("trial_end", "The trial names no readable day of its first payment (next_payment_at).");
    const parts = [transactionId, item.orderId, line.productId];
    // A verdict may change back and forth: each word on a dispute is a fact of its own.
    const identity = identityOf(kind, kind.startsWith("dispute_") ? [...parts, time] : parts);
    facts.push({ ...body, identity, ...(line.productId === item.productId ? common : addOn(common, line)) });
  }
  const cancelled = blank(values["is_cancelled_for"]) ? undefined : parseWhen(values["is_cancelled_for"], zone);
  // The time of this message is that of its transaction, not of the cancellation it mentions.
  if (cancelled) facts.push(cancellation(cancelled, values, item));
  return { ok: true, facts };
}

/**
 * What `payment.recurring.cancelled` says. No date is never today: the next payment that will not come is
 * the end, and where that is missing too, none is named.
 * @returns unreadable_cancellation_date
 */
export function cancelledFacts(values: Values, item: Item): Facts {
  const stated = values["is_cancelled_for"];
  const until = parseWhen(blank(stated) ? values["next_payment_at"] : stated, zone);
  if (!blank(stated) && !until) {
    return unreadable("cancellation_date", "The day of the cancellation (is_cancelled_for) cannot be read as a date.");
  }
  const happenedAt =
    parseInstant(values["transaction_processed_at"], zone) ?? parseInstant(values["transaction_date"], zone);
  const fact = cancellation(until, values, item);
  return { ok: true, facts: [{ ...fact, ...(happenedAt !== undefined && { happenedAt }) }] };
}

/** `payment.recurring.upcoming` promises nothing; only a cancellation it mentions counts. */
export function upcomingFacts(values: Values, item: Item): Facts {
  const stated = values["is_cancelled_for"];
  const until = blank(stated) ? undefined : parseWhen(stated, zone);
  return { ok: true, facts: until ? [cancellation(until, values, item)] : [] };
}

type Kind = Exclude<FactBody["kind"], "cancelled" | "resumed" | "contact_changed">;

/** An unexpected pair of event and status is never refused: then the event's own meaning counts. */
function kindOf(event: RegularEvent, status: string): Kind {
  switch (event) {
    case "payment.made":
      if (status === "pending") return "payment_pending";
      if (status === "failed") return "payment_failed";
      return status === "failed_as_chargeback" ? "dispute_lost" : "payment";
    case "payment.trial":
      return "trial";
    case "payment.pending":
      return "payment_pending";
    case "payment.failed":
      return status === "failed_as_chargeback" ? "dispute_lost" : "payment_failed";
    case "payment.refunded":
      return status === "failed_refunded" ? "refund_reversed" : "refund";
    case "payment.charged_back":
      return status === "chargeback_failed" ? "dispute_won" : "dispute_opened";
    default:
      return event satisfies never;
  }
}

type Part = Omit<Line, "amount"> & Partial<Pick<Line, "amount">>;

/** The products the message speaks of, and their money where the kind has any. */
function splitOf(
  kind: Kind,
  values: Values,
  item: Item,
  currency: Currency | undefined,
): { readonly ok: true; readonly lines: readonly Part[] } | Unreadable {
  const alone = { ok: true as const, lines: [{ productId: item.productId }] };
  if (kind === "trial") return alone;
  const money = currency
    ? linesOf(values, item.productId, currency)
    : unreadable("currency", "The currency of this message (transaction_currency) is missing or unknown.");
  // No money is booked for these two: which products they mean is all that is asked of the amounts.
  if (kind === "payment_failed" || kind === "refund_reversed") {
    return money.ok && money.lines.length > 0 ? money : alone;
  }
  if (money.ok && money.lines.length > 0) return money;
  const required = kind === "payment" || kind === "refund" || kind === "dispute_lost";
  if (!required && (money.ok || silent(values))) return alone;
  return money.ok ? unreadable("amount", "The message names no amount (transaction_amount).") : money;
}

function silent(values: Values): boolean {
  return ["transaction_amount", "line_item_amount", "transaction_amount_per_product"].every((name) =>
    blank(values[name]),
  );
}

/** @returns undefined for a trial without an end */
function bodyOf(kind: Kind, values: Values, transactionId: string, { amount }: Part): FactBody | undefined {
  const number = count(values["rate_number"]);
  const rate = number ? { rate: number } : {};
  const next = parseWhen(values["next_payment_at"], zone);
  switch (kind) {
    case "payment":
      return amount && { kind, transactionId, amount, ...rate, ...(next && { next }) };
    case "refund":
      return amount && { kind, transactionId, amount, ...rate };
    case "payment_pending":
    case "dispute_opened":
    case "dispute_won":
    case "dispute_lost":
      return { kind, transactionId, ...(amount && { amount }), ...rate };
    case "payment_failed":
      return { kind, transactionId, ...rate };
    case "refund_reversed":
      return { kind, transactionId, reverses: transactionId };
    case "trial":
      return next && { kind, to: next };
    default:
      return kind satisfies never;
  }
}

type Common = Pick<Fact, "productId" | "productName" | "happenedAt" | "plan" | "quantity">;

function commonOf(values: Values, { productId }: Item, currency: Currency | undefined): Common {
  const productName = label(values["product_name"]);
  const plan = planOf(values, currency);
  const quantity = count(values["quantity"]);
  return {
    productId,
    ...(productName && { productName }),
    ...(plan && { plan }),
    ...(quantity !== undefined && { quantity }),
  };
}

/** Units and the agreed total are those of the message's own product. */
function addOn({ happenedAt, plan }: Common, { productId, productName }: Part): Common {
  return {
    productId,
    ...(productName && { productName }),
    ...(happenedAt !== undefined && { happenedAt }),
    ...(plan && { plan: plan.kind === "instalments" ? withoutAgreed(plan) : plan }),
  };
}

function withoutAgreed({ kind, interval, total }: Extract<Plan, { kind: "instalments" }>): Plan {
  return { kind, ...(interval && { interval }), ...(total && { total }) };
}

function cancellation(until: When | undefined, values: Values, item: Item): Fact {
  const chosenByVendor = word(values["cancelation_reason"]) === "vendor_cancelation";
  const day = until === undefined ? "" : "day" in until ? until.day : new Date(until.at).toISOString();
  const parts = [item.orderId, item.productId, day];
  return {
    kind: "cancelled",
    ...(until && { for: until }),
    chosenByVendor,
    // Later messages repeat the day without the reason. Under one identity whichever came first would decide
    // what is known of the vendor's choice.
    identity: identityOf("cancelled", chosenByVendor ? [...parts, "vendor"] : parts),
    ...commonOf(values, item, undefined),
  };
}
