import { impersonal } from "../paddle/impersonal.ts";

/**
 * The same message without the person: name, address, card, signed links, `custom_data` and whatever this list does not
 * know become null. Lemon Squeezy's own numbers stay.
 */
export function redact(body: Uint8Array): Uint8Array<ArrayBuffer> {
  return impersonal(body, kept);
}

const kept: ReadonlySet<string> = new Set(
  `meta event_name test_mode webhook_id data type id attributes
   store_id customer_id identifier order_number order_id order_item_id product_id variant_id price_id subscription_id
   subscription_item_id product_name variant_name status status_formatted refunded refunded_at refunded_amount billing_reason billing_anchor
   currency currency_rate subtotal discount_total tax total setup_fee setup_fee_usd tax_rate tax_inclusive
   subtotal_usd discount_total_usd tax_usd total_usd refunded_amount_usd
   subtotal_formatted discount_total_formatted tax_formatted total_formatted refunded_amount_formatted
   first_order_item first_subscription_item price quantity is_usage_based
   pause mode resumes_at cancelled trial_ends_at renews_at ends_at created_at updated_at`.split(/\s+/),
);
