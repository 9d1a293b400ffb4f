/** What one of ThriveCart's events tells of. */
export type Occasion = "sale" | "renewal" | "failure" | "cancellation" | "pause" | "resumption" | "refund";

/**
 * The events of both surfaces by name; what is not listed changes nothing: carts left behind, affiliates, customers who
 * changed their data. `order_rebill_completed` moves no money either: the payments that completed the plan came before it.
 * Source: ThriveCart "Using webhook notifications"; API "Event subscriptions"
 */
export const occasions: ReadonlyMap<string, Occasion> = new Map<string, Occasion>([
  ["order.success", "sale"],
  ["order_created", "sale"],
  ["order_payment_product", "sale"],
  ["order_payment_bump", "sale"],
  ["order_payment_upsell", "sale"],
  ["order_payment_downsell", "sale"],
  ["order.subscription_payment", "renewal"],
  ["order_rebill", "renewal"],
  ["order.rebill_failed", "failure"],
  ["order_rebill_failed", "failure"],
  ["order.subscription_cancelled", "cancellation"],
  ["order_rebill_cancelled", "cancellation"],
  ["order.subscription_paused", "pause"],
  ["subscription_paused", "pause"],
  ["order.subscription_resumed", "resumption"],
  ["subscription_resumed", "resumption"],
  ["order.refund", "refund"],
  ["order_refund", "refund"],
  ["order_refund_product", "refund"],
  ["order_refund_bump", "refund"],
  ["order_refund_upsell", "refund"],
  ["order_refund_downsell", "refund"],
]);
