import type { Instant } from "@paybell/protocols/domain/day";
import { type Article, vatWithin } from "../catalogue.ts";
import type { Checkout, Happening } from "../happening.ts";
import { begins, periodOf, trialBefore } from "../period.ts";
import { madeUp } from "./made-up.ts";

/** Paddle's ids: a prefix that says what it is, and a ULID. */
export function paddleId(prefix: string, ...about: readonly string[]): string {
  return `${prefix}_01${madeUp("0123456789abcdefghjkmnpqrstvwxyz", 24, "paddle", prefix, ...about)}`;
}

export function productId({ id }: Article): string {
  return paddleId("pro", id);
}

export function subscriptionId(order: Checkout, article: Article): string {
  return paddleId("sub", order.orderId, article.id);
}

/** Of the payment this is about. A subscription's is tried again until it is paid, so it has one for every period. */
export function transactionId(order: Checkout, { article, kind, rate = 1, ...happening }: Happening): string {
  if (article.plan.kind === "once") return paddleId("txn", happening.paymentId ?? happening.transactionId);
  return paddleId("txn", order.orderId, article.id, String(kind === "trial" ? 0 : rate));
}

/** Paddle writes microseconds. */
export function iso(at: Instant): string {
  return new Date(at).toISOString().replace("Z", "000Z");
}

/** Source: Paddle API, "Transactions" */
export function transaction(order: Checkout, happening: Happening): object {
  const { article, kind, at } = happening;
  const cents = kind === "trial" ? 0 : article.cents;
  const failed = kind === "payment_failed";
  const repeats = article.plan.kind === "subscription";
  const { start, end } = periodOf(order, happening);
  const amounts = amountsOf(cents);
  const attempt = { amount: String(cents), method_details: { type: "card" }, created_at: iso(at) };
  return {
    id: transactionId(order, happening),
    status: failed ? "past_due" : "completed",
    customer_id: paddleId("ctm", order.buyerId),
    currency_code: "EUR",
    origin: begins(order, happening) ? "web" : "subscription_recurring",
    subscription_id: repeats ? subscriptionId(order, article) : null,
    custom_data: { email: order.email },
    collection_mode: "automatic",
    billing_period: repeats ? { starts_at: iso(start), ends_at: iso(end) } : null,
    billed_at: iso(at),
    created_at: iso(at),
    updated_at: iso(at),
    items: [{ price: priceOf(order, happening), quantity: 1, proration: null }],
    details: {
      totals: { ...amounts, credit: "0", balance: "0", grand_total: amounts.total, currency_code: "EUR" },
      line_items: [
        {
          id: paddleId("txnitm", transactionId(order, happening)),
          price_id: priceId(article),
          quantity: 1,
          totals: amounts,
          product: { id: productId(article), name: article.name },
        },
      ],
    },
    payments:
      cents === 0
        ? []
        : [
            failed
              ? { ...attempt, status: "error", error_code: "expired_card", captured_at: null }
              : { ...attempt, status: "captured", error_code: null, captured_at: iso(at) },
          ],
  };
}

/** Source: Paddle API, "Subscriptions" */
export function subscription(order: Checkout, happening: Happening, changes: object = {}): object {
  const { article, kind, cancelledFor, at } = happening;
  const { start, end } = periodOf(order, happening);
  return {
    id: subscriptionId(order, article),
    status: "active",
    customer_id: paddleId("ctm", order.buyerId),
    // Only the message of its creation names it.
    ...(begins(order, happening) && { transaction_id: transactionId(order, happening) }),
    currency_code: "EUR",
    custom_data: { email: order.email },
    collection_mode: "automatic",
    started_at: iso(order.at),
    first_billed_at: kind === "trial" ? null : iso(trialBefore(order, happening) ?? order.at),
    next_billed_at: cancelledFor ? null : iso(end),
    paused_at: null,
    canceled_at: null,
    created_at: iso(order.at),
    updated_at: iso(at),
    current_billing_period: { starts_at: iso(start), ends_at: iso(end) },
    billing_cycle: { interval: "month", frequency: 1 },
    scheduled_change: cancelledFor ? { action: "cancel", effective_at: iso(end), resume_at: null } : null,
    items: [
      {
        status: kind === "trial" ? "trialing" : "active",
        quantity: 1,
        recurring: true,
        trial_dates: kind === "trial" ? { starts_at: iso(start), ends_at: iso(end) } : null,
        price: priceOf(order, happening),
        product: { id: productId(article), name: article.name },
      },
    ],
    ...changes,
  };
}

type Action = "refund" | "chargeback" | "chargeback_reverse";

/** Money that goes back, or comes again. Source: Paddle API, "Adjustments" */
export function adjustment(order: Checkout, happening: Happening, action: Action, status: string): object {
  const { article, kind, at, cents = article.cents } = happening;
  const amounts = amountsOf(cents);
  const about = transactionId(order, happening);
  const type = cents < article.cents ? "partial" : "full";
  return {
    id: paddleId("adj", kind, happening.transactionId),
    action,
    type,
    status,
    reason: action === "refund" ? "requested by the buyer" : action,
    transaction_id: about,
    subscription_id: article.plan.kind === "subscription" ? subscriptionId(order, article) : null,
    customer_id: paddleId("ctm", order.buyerId),
    currency_code: "EUR",
    items: [
      {
        id: paddleId("adjitm", kind, happening.transactionId),
        item_id: paddleId("txnitm", about),
        type,
        amount: amounts.total,
        totals: amounts,
      },
    ],
    totals: { ...amounts, currency_code: "EUR" },
    created_at: iso(at),
    updated_at: iso(at),
  };
}

function priceId({ id }: Article): string {
  return paddleId("pri", id);
}

/** A seller who offers a trial has a price with one. */
function priceOf(order: Checkout, happening: Happening): object {
  const { article, kind } = happening;
  const tried = kind === "trial" || trialBefore(order, happening) !== undefined;
  return {
    id: priceId(article),
    product_id: productId(article),
    name: article.internalName,
    billing_cycle: article.plan.kind === "subscription" ? { interval: "month", frequency: 1 } : null,
    trial_period: tried ? { interval: "day", frequency: 14 } : null,
    tax_mode: "internal",
    unit_price: { amount: String(article.cents), currency_code: "EUR" },
  };
}

function amountsOf(cents: number) {
  const tax = vatWithin(cents);
  return { subtotal: String(cents - tax), discount: "0", tax: String(tax), total: String(cents) };
}
