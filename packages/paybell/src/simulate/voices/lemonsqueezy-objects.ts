import type { Instant } from "@paybell/protocols/domain/day";
import { type Article, vatWithin } from "../catalogue.ts";
import type { Checkout, Happening } from "../happening.ts";
import { begins, periodOf, trialBefore } from "../period.ts";
import { madeUpNumber, madeUpUuid } from "./made-up.ts";

export function orderNumber({ orderId }: Checkout, { article, transactionId, paymentId }: Happening): string {
  const about = article.plan.kind === "once" ? (paymentId ?? transactionId) : orderId;
  return madeUpNumber(7, "lemonsqueezy order", about, article.id);
}

/** What is sold is the variant; a product without variants has one all the same. */
export function variantNumber({ id }: Article): string {
  return madeUpNumber(6, "lemonsqueezy variant", id);
}

/** Source: Lemon Squeezy, API, "The order object" */
export function order(checkout: Checkout, happening: Happening): object {
  const { article, kind, at } = happening;
  const id = orderNumber(checkout, happening);
  const cents = kind === "trial" ? 0 : article.cents;
  const back = kind === "refund" ? (happening.cents ?? cents) : 0;
  const attributes = {
    ...buyerOf(checkout),
    identifier: madeUpUuid("lemonsqueezy order", id),
    order_number: Number(id.slice(-4)),
    ...amountsOf(cents),
    refunded_amount: back,
    status: back === 0 ? "paid" : back < cents ? "partial_refund" : "refunded",
    refunded: back > 0 && back >= cents,
    refunded_at: back === 0 ? null : iso(at),
    first_order_item: {
      id: Number(madeUpNumber(7, "lemonsqueezy item", id)),
      order_id: Number(id),
      product_id: productNumber(article),
      variant_id: Number(variantNumber(article)),
      price_id: Number(madeUpNumber(6, "lemonsqueezy price", article.id)),
      product_name: article.name,
      variant_name: "Default",
      quantity: 1,
      price: article.cents,
      test_mode: checkout.test,
    },
    created_at: iso(kind === "refund" ? checkout.at : at),
    updated_at: iso(at),
  };
  return { type: "orders", id, attributes };
}

/** Names neither order nor product. Source: Lemon Squeezy, API, "The subscription invoice object" */
export function invoice(checkout: Checkout, happening: Happening): object {
  const { article, kind, at, rate = 1 } = happening;
  const failed = kind === "payment_failed";
  const first = begins(checkout, happening);
  const attributes = {
    ...buyerOf(checkout),
    subscription_id: Number(subscriptionNumber(checkout, article)),
    billing_reason: first ? "initial" : "renewal",
    card_brand: "visa",
    ...amountsOf(article.cents),
    status: failed ? "pending" : "paid",
    refunded: false,
    refunded_at: null,
    created_at: iso(first ? checkout.at : periodOf(checkout, happening).start),
    updated_at: iso(at),
  };
  // One that failed is tried again until it is paid.
  const id = madeUpNumber(7, "lemonsqueezy invoice", checkout.orderId, article.id, String(rate));
  return { type: "subscription-invoices", id, attributes };
}

/** Source: Lemon Squeezy, API, "The subscription object" */
export function subscription(checkout: Checkout, happening: Happening, changes: object = {}): object {
  const { article, kind, cancelledFor, at } = happening;
  const { end } = periodOf(checkout, happening);
  const trialEnd = kind === "trial" ? end : trialBefore(checkout, happening);
  const attributes = {
    ...buyerOf(checkout),
    order_id: Number(orderNumber(checkout, happening)),
    product_id: productNumber(article),
    variant_id: Number(variantNumber(article)),
    product_name: article.name,
    variant_name: "Default",
    status: "active",
    pause: null,
    cancelled: false,
    trial_ends_at: trialEnd === undefined ? null : iso(trialEnd),
    billing_anchor: new Date(trialEnd ?? checkout.at).getUTCDate(),
    renews_at: iso(end),
    ends_at: cancelledFor ? iso(end) : null,
    created_at: iso(checkout.at),
    updated_at: iso(at),
    ...changes,
  };
  return { type: "subscriptions", id: subscriptionNumber(checkout, article), attributes };
}

function subscriptionNumber({ orderId }: Checkout, { id }: Article): string {
  return madeUpNumber(7, "lemonsqueezy subscription", orderId, id);
}

function productNumber({ id }: Article): number {
  return Number(madeUpNumber(6, "lemonsqueezy product", id));
}

function buyerOf({ person, buyerId, email, test }: Checkout): object {
  return {
    store_id: 1,
    customer_id: Number(madeUpNumber(7, "lemonsqueezy customer", buyerId)),
    user_name: `${person.first} ${person.last}`,
    user_email: email,
    test_mode: test,
  };
}

function amountsOf(cents: number): object {
  const tax = vatWithin(cents);
  return { currency: "EUR", subtotal: cents - tax, discount_total: 0, tax, tax_inclusive: true, total: cents };
}

/** Lemon Squeezy writes microseconds. */
function iso(at: Instant): string {
  return new Date(at).toISOString().replace("Z", "000Z");
}
