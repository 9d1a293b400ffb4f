/**
 * The fields we write, in their order on the wire. Digistore24 sends some 170; these are the ones that tell of an
 * order, its buyer and its money.
 * Source: Digistore24 "IPN", parameters
 */
export const fields = [
  "event",
  "event_label",
  "ipn_version",
  "api_mode",
  "order_id",
  "order_item_id",
  "item_count",
  "upsell_no",
  "transaction_id",
  "parent_transaction_id",
  "transaction_type",
  "transaction_amount",
  "transaction_vat_amount",
  "transaction_currency",
  "transaction_date",
  "transaction_time",
  "transaction_processed_at",
  "order_date",
  "order_date_time",
  "product_id",
  "product_name",
  "quantity",
  "billing_type",
  "billing_status",
  "order_billing_status",
  "billing_stop_reason",
  "rebill_stop_noted_at",
  "is_cancelled_for",
  "pay_sequence_no",
  "number_of_installments",
  "order_item_number_of_installments",
  "first_amount",
  "other_amounts",
  "first_billing_interval",
  "other_billing_intervals",
  "next_payment_at",
  "pay_method",
  "amount_brutto",
  "amount_netto",
  "amount_vat",
  "currency",
  "buyer_id",
  "email",
  "buyer_email",
  "address_email",
  "buyer_first_name",
  "buyer_last_name",
  "buyer_language",
  "address_first_name",
  "address_last_name",
  "address_company",
  "address_country",
  "custom",
] as const;

/** One call, ready to be written. An empty text is sent as it is; what is missing is not sent. */
export type Digistore24Message = { readonly [N in (typeof fields)[number]]?: string | undefined };

/** Those of them that name the person, or let somebody find out who it is. */
const personal: ReadonlySet<string> = new Set([
  "buyer_id",
  "email",
  "buyer_email",
  "address_email",
  "buyer_first_name",
  "buyer_last_name",
  "buyer_language",
  "address_first_name",
  "address_last_name",
  "address_company",
  "address_country",
  "custom",
] satisfies (typeof fields)[number][]);

/** What a call carries beside the fields we write and that names nobody. */
const further: readonly string[] = [
  "amount",
  "amount_affiliate",
  "amount_fee",
  "amount_provider",
  "amount_vendor",
  "delivery_date",
  "first_vat_amount",
  "order_time",
  "order_type",
  "other_vat_amounts",
  "payment_id",
  "payplan_id",
  "product_amount",
  "product_ids",
  "product_language",
  "product_netto_amount",
  "product_txn_amount",
  "product_txn_netto_amount",
  "product_txn_vat_amount",
  "product_vat_amount",
  "upgraded_order_id",
  "variant_id",
  "variant_name",
  "vat_amount",
  "vat_rate",
];

const impersonal: ReadonlySet<string> = new Set([...fields.filter((name) => !personal.has(name)), ...further]);

/** Fields of a further product in one call are numbered from `_2`. */
const numbered = /^(order_item_id|quantity|product_(id|name|(txn_)?amount))_\d{1,3}$/;

/** Whether a field tells of order and money alone. Of one that is not known nobody can say whom it names. */
export function isImpersonal(name: string): boolean {
  return impersonal.has(name) || numbered.test(name);
}

/** Marks a call from which the person was taken out. */
export const redactedMark = "redacted";

export function isRedacted(values: ReadonlyMap<string, string>): boolean {
  return values.get(redactedMark) === "1";
}
