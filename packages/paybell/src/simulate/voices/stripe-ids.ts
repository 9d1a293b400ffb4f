import type { Article } from "../catalogue.ts";
import type { Checkout } from "../happening.ts";
import { letters, madeUp } from "./made-up.ts";

/** Stripe's ids: a prefix that says what it is, and letters that say nothing. */
export function stripeId(prefix: string, ...about: readonly string[]): string {
  return `${prefix}${madeUp(letters, 23, "stripe", prefix, ...about)}`;
}

export function productId({ id }: Article): string {
  return `prod_${madeUp(letters, 14, "stripe product", id)}`;
}

export function priceId({ id }: Article): string {
  return stripeId("price_1", id);
}

/** @param paymentId transaction of the payment */
export function intentId(paymentId: string): string {
  return stripeId("pi_3", paymentId);
}

export function chargeId(paymentId: string): string {
  return stripeId("ch_3", paymentId);
}

/** The same for the payment that failed and for the one that came after all. @param rate 0: of the trial */
export function invoiceId(order: Checkout, article: Article, rate: number): string {
  return stripeId("in_1", order.orderId, article.id, String(rate));
}

export function subscriptionId(order: Checkout, article: Article): string {
  return stripeId("sub_1", order.orderId, article.id);
}

export function customerId(order: Checkout): string {
  return `cus_${madeUp(letters, 14, "stripe customer", order.buyerId)}`;
}
