import { impersonal } from "./impersonal.ts";

/**
 * The same event without the person. Paddle's ids stay (`ctm_…` says nothing outside of Paddle); texts of the seller's
 * own (`custom_data`), the payment method and whatever this list does not know become null.
 */
export function redact(body: Uint8Array): Uint8Array<ArrayBuffer> {
  return impersonal(body, kept);
}

const kept: ReadonlySet<string> = new Set(
  `event_id event_type occurred_at notification_id alert_name
   data id status customer_id subscription_id transaction_id discount_id product_id price_id item_id invoice_id invoice_number
   origin action type collection_mode credit_applied_to_balance currency_code
   items line_items price product quantity trial_period trial_dates billing_cycle interval frequency unit_price tax_mode
   price.name price.description product.name product.description
   details totals adjusted_totals payout_totals adjusted_payout_totals tax_rates_used tax_rate amount subtotal tax discount
   total grand_total grand_total_tax credit credit_to_balance balance fee retained_fee earnings exchange_rate
   proration rate billing_period current_billing_period starts_at ends_at
   payments captured_at error_code
   scheduled_change effective_at resume_at
   created_at updated_at billed_at revised_at paused_at canceled_at started_at first_billed_at next_billed_at previously_billed
   recurring`.split(/\s+/),
);
