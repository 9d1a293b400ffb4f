import { vatWithin } from "../catalogue.ts";
import { type Checkout, type Happening, later } from "../happening.ts";
import { begins, comesLate, type Period, periodBefore, periodOf, trialBefore } from "../period.ts";
import { customerId, invoiceId, priceId, productId, stripeId, subscriptionId } from "./stripe-ids.ts";
import { seconds } from "./stripe-payments.ts";

/** An invoice as its event shows it: paid, open after a try that failed, or one to come. Source: Stripe API, "The Invoice object" */
export function invoice(order: Checkout, happening: Happening): object {
  const { article, kind, at, rate = 1 } = happening;
  const cents = kind === "trial" ? 0 : article.cents;
  const isPaid = kind === "payment" || kind === "trial";
  const id = invoiceId(order, article, kind === "trial" ? 0 : rate);
  const upcoming = kind === "announced";
  return {
    // What is to come has a number of its own: it is not yet an invoice.
    id: upcoming ? stripeId("upcoming_in_1", order.orderId, String(at)) : id,
    object: "invoice",
    amount_due: cents,
    amount_paid: isPaid ? cents : 0,
    amount_remaining: isPaid ? 0 : cents,
    attempt_count: upcoming || kind === "trial" ? 0 : kind === "payment" && comesLate(order, happening) ? 2 : 1,
    attempted: !upcoming,
    billing_reason: upcoming ? "upcoming" : begins(order, happening) ? "subscription_create" : "subscription_cycle",
    collection_method: "charge_automatically",
    created: seconds(upcoming ? at : periodOf(order, happening).start),
    currency: "eur",
    customer: customerId(order),
    customer_address: { city: order.person.city, country: "DE" },
    customer_email: order.email,
    customer_name: `${order.person.first} ${order.person.last}`,
    lines: { object: "list", data: [lineOf(order, happening, id)], has_more: false },
    livemode: !order.test,
    metadata: {},
    next_payment_attempt: kind === "payment_failed" ? seconds(later(at, { days: 2 })) : null,
    parent: {
      quote_details: null,
      subscription_details: { metadata: {}, subscription: subscriptionId(order, article) },
      type: "subscription_details",
    },
    status: upcoming ? "draft" : isPaid ? "paid" : "open",
    status_transitions: { paid_at: isPaid ? seconds(at) : null },
    subtotal: cents,
    total: cents,
    total_taxes: taxesOf(cents),
  };
}

function lineOf(order: Checkout, happening: Happening, invoice: string): object {
  const { article, kind } = happening;
  const cents = kind === "trial" ? 0 : article.cents;
  const { start, end } = periodOf(order, happening);
  const each = `${(article.cents / 100).toFixed(2)} € / month`;
  return {
    id: stripeId("il_1", invoice),
    object: "line_item",
    amount: cents,
    currency: "eur",
    description: kind === "trial" ? `Trial period for ${article.name}` : `1 × ${article.name} (at ${each})`,
    discount_amounts: [],
    invoice,
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        proration: false,
        subscription: subscriptionId(order, article),
        subscription_item: itemId(order, happening),
      },
      type: "subscription_item_details",
    },
    period: { start: seconds(start), end: seconds(end) },
    pricing: {
      price_details: { price: priceId(article), product: productId(article) },
      type: "price_details",
      unit_amount_decimal: String(cents),
    },
    quantity: 1,
    taxes: taxesOf(cents),
  };
}

/** Source: Stripe API, "The Subscription object" */
export function subscription(order: Checkout, happening: Happening, changes: object = {}) {
  const { article, kind, rate = 1 } = happening;
  const trialEnd = kind === "trial" ? periodOf(order, happening).end : trialBefore(order, happening);
  return {
    id: subscriptionId(order, article),
    object: "subscription",
    billing_cycle_anchor: seconds(trialEnd ?? order.at),
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    cancellation_details: { comment: null, feedback: null, reason: null },
    collection_method: "charge_automatically",
    created: seconds(order.at),
    currency: "eur",
    customer: customerId(order),
    ended_at: null,
    items: { object: "list" as const, data: [itemOf(order, happening, periodOf(order, happening))], has_more: false },
    latest_invoice: invoiceId(order, article, kind === "trial" ? 0 : rate),
    livemode: !order.test,
    metadata: {},
    start_date: seconds(order.at),
    status: "active",
    trial_end: trialEnd === undefined ? null : seconds(trialEnd),
    trial_start: trialEnd === undefined ? null : seconds(order.at),
    ...changes,
  };
}

/** What was before the period that begins with this payment. */
export function renewed(order: Checkout, happening: Happening): object {
  const { article, rate = 1 } = happening;
  return {
    items: { data: [itemOf(order, happening, periodBefore(order, happening))] },
    latest_invoice: invoiceId(order, article, rate - 1),
    ...(trialBefore(order, happening) !== undefined && { status: "trialing" }),
  };
}

function itemOf(order: Checkout, happening: Happening, { start, end }: Period) {
  const { article } = happening;
  return {
    id: itemId(order, happening),
    object: "subscription_item",
    current_period_end: seconds(end),
    current_period_start: seconds(start),
    price: {
      id: priceId(article),
      object: "price",
      currency: "eur",
      product: productId(article),
      recurring: { interval: "month", interval_count: 1, usage_type: "licensed" },
      type: "recurring",
      unit_amount: article.cents,
    },
    quantity: 1,
    subscription: subscriptionId(order, article),
  };
}

function itemId(order: Checkout, { article }: Happening): string {
  return `si_${stripeId("", order.orderId, article.id).slice(0, 14)}`;
}

/** In the price, not on top of it. */
function taxesOf(cents: number): readonly object[] {
  if (cents === 0) return [];
  const amount = vatWithin(cents);
  return [{ amount, tax_behavior: "inclusive", taxable_amount: cents - amount, type: "tax_rate_details" }];
}
