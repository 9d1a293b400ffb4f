/**
 * Every field of a CopeCart IPN, in the order of the wire. Reading, writing and redacting all go by this table.
 * - `type`: how the value is written; `dec` is a decimal in major units, text or number on the wire
 * - `events`: `all`, the six `regular` events, or `cancelled` (`payment.recurring.cancelled`) alone
 * - `required`: a message of those events without it cannot be read
 * - `personal`: taken out by `redact`
 * Source: CopeCart "IPN" 1.6.7, 2025-06-17; the order is that of captured messages
 */
export const fields = [
  { name: "affiliate", type: "text", events: "all", personal: true },
  { name: "buyer_address", type: "text", events: "all", personal: true },
  { name: "buyer_street", type: "text", events: "all", personal: true },
  { name: "buyer_house_number", type: "text", events: "all", personal: true },
  { name: "buyer_address_details", type: "text", events: "all", personal: true },
  { name: "buyer_city", type: "text", events: "all", personal: true },
  { name: "buyer_state", type: "text", events: "all", personal: true },
  { name: "buyer_company_name", type: "text", events: "all", personal: true },
  { name: "buyer_country", type: "text", events: "all", personal: true },
  { name: "buyer_country_code", type: "text", events: "all", personal: true },
  { name: "buyer_email", type: "text", events: "all", required: true, personal: true },
  { name: "buyer_firstname", type: "text", events: "all", personal: true },
  { name: "buyer_id", type: "text", events: "all", personal: true },
  { name: "buyer_lastname", type: "text", events: "all", personal: true },
  { name: "buyer_phone_number", type: "text", events: "all", personal: true },
  { name: "buyer_subscribed_for_newsletter", type: "bool", events: "all", personal: true },
  { name: "buyer_vat_number", type: "text", events: "all", personal: true },
  { name: "buyer_zipcode", type: "text", events: "all", personal: true },
  { name: "cash_flow_at", type: "ts", events: "all" },
  { name: "category_name", type: "text", events: "all" },
  { name: "category_option_name", type: "text", events: "all" },
  { name: "earned_amount", type: "dec", events: "all" },
  { name: "first_payment", type: "dec", events: "all" },
  { name: "frequency", type: "text", events: "all" },
  { name: "is_addon", type: "bool", events: "all" },
  { name: "is_cancelled_for", type: "date", events: "all" },
  { name: "is_upsell", type: "bool", events: "all" },
  { name: "metadata", type: "text", events: "all", personal: true },
  { name: "next_payment_at", type: "date", events: "all" },
  { name: "next_payments", type: "dec", events: "all" },
  { name: "order_date", type: "date", events: "all" },
  { name: "order_id", type: "text", events: "all", required: true },
  { name: "order_time", type: "text", events: "all" },
  { name: "order_source_identifier", type: "text", events: "all" },
  { name: "payment_method", type: "text", events: "all" },
  { name: "payment_plan", type: "text", events: "all" },
  { name: "payment_status", type: "text", events: "all" },
  { name: "product_id", type: "text", events: "all", required: true },
  { name: "product_internal_name", type: "text", events: "all" },
  { name: "product_name", type: "text", events: "all" },
  { name: "product_type", type: "text", events: "all" },
  { name: "quantity", type: "int", events: "all" },
  { name: "rate_number", type: "int", events: "regular" },
  { name: "shipping_price", type: "dec", events: "all" },
  { name: "subscription_state", type: "text", events: "cancelled" },
  { name: "cancelation_reason", type: "text", events: "cancelled" },
  { name: "tags", type: "list", events: "all" },
  { name: "test_payment", type: "bool", events: "regular" },
  { name: "total_number_of_payments", type: "int", events: "all" },
  { name: "transaction_amount", type: "dec", events: "regular" },
  { name: "transaction_vat_amount", type: "dec", events: "regular" },
  { name: "transaction_amount_per_product", type: "lines", events: "regular" },
  { name: "transaction_earned_amount", type: "dec", events: "regular" },
  { name: "transaction_currency", type: "text", events: "regular" },
  { name: "transaction_date", type: "ts", events: "regular" },
  { name: "transaction_id", type: "text", events: "regular", required: true },
  { name: "transaction_processed_at", type: "ts", events: "regular" },
  { name: "transaction_type", type: "text", events: "regular" },
  { name: "line_item_amount", type: "dec", events: "regular" },
  { name: "line_item_vat_amount", type: "dec", events: "regular" },
  { name: "transaction_discount_amount", type: "dec", events: "regular" },
  { name: "product_discount_amount", type: "dec", events: "regular" },
  { name: "bundle_addon", type: "bool", events: "regular" },
  { name: "bundle_id", type: "text", events: "regular" },
  { name: "event_type", type: "text", events: "all", required: true },
] as const satisfies readonly Field[];

/** One entry of `transaction_amount_per_product`, in the order of the wire. */
export const lineFields = [
  { name: "amount", type: "dec" },
  { name: "vat_amount", type: "dec" },
  { name: "slug", type: "text" },
  { name: "is_addon", type: "bool" },
  { name: "name", type: "text" },
  { name: "internal_name", type: "text" },
] as const satisfies readonly Pick<Field, "name" | "type">[];

const regularEvents = [
  "payment.made",
  "payment.trial",
  "payment.pending",
  "payment.failed",
  "payment.refunded",
  "payment.charged_back",
] as const;

export type RegularEvent = (typeof regularEvents)[number];

/** What one IPN says, ready to be written. Decimals are text in major units, such as "119.0". */
export type CopecartMessage =
  | Message<"all" | "regular", RegularEvent>
  | Message<"all", "payment.recurring.upcoming">
  | Message<"all" | "cancelled", "payment.recurring.cancelled">;

export type CopecartLine = Values<(typeof lineFields)[number]>;

type Values<F extends { readonly name: string; readonly type: FieldType }> = {
  readonly [K in F as K["name"]]?: ValueOf[K["type"]] | null | undefined;
};

type Message<G extends Group, E extends string> = Values<Extract<TableField, { events: G }>> & {
  readonly [N in Extract<TableField, { events: G; required: true }>["name"]]: string;
} & { readonly event_type: E };

type TableField = (typeof fields)[number];
type Group = "all" | "regular" | "cancelled";
export type FieldType = keyof ValueOf;

type ValueOf = {
  text: string;
  dec: string;
  int: number;
  bool: boolean;
  /** `YYYY-MM-DD` */
  date: string;
  /** ISO 8601 with offset */
  ts: string;
  list: readonly string[];
  lines: readonly CopecartLine[];
};

type Field = {
  readonly name: string;
  readonly type: FieldType;
  readonly events: Group;
  readonly required?: true;
  readonly personal?: true;
};

/** Whether messages of this event carry the field. */
export function carries(event: string, { events }: { readonly events: Group }): boolean {
  if (events === "all") return true;
  if (events === "cancelled") return event === "payment.recurring.cancelled";
  return isRegular(event);
}

export function isRegular(event: string): event is RegularEvent {
  return (regularEvents as readonly string[]).includes(event);
}
