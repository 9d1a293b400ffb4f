import { isObject, readObject } from "../values.ts";

/**
 * The same event without the person. Numbers and truth values stay; of texts only ids, states, currencies and products'
 * names do, by the name of their field, since nobody can say whom others name. An address that was there becomes an
 * empty text, and `"redacted": true` marks the event. A body that is no JSON object keeps nothing.
 */
export function redact(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const read = readObject(body);
  const kept: Record<string, unknown> = Object.create(null);
  if (read.ok) for (const [name, value] of Object.entries(read.value)) kept[name] = impersonal(name, value, 1);
  kept["redacted"] = true;
  return new TextEncoder().encode(JSON.stringify(kept));
}

/** Of the person whatever they hold, numbers included. */
const personal = new Set(
  (
    "address billing_details collected_information custom_fields custom_text customer_address customer_shipping " +
    "customer_tax_ids dob evidence individual next_action payment_method_details shipping shipping_address " +
    "shipping_details tax_ids verification"
  ).split(" "),
);

/** Texts that say nothing of a person. Ids among them: they name one to Stripe alone. */
const plain = new Set(
  (
    "id object type api_version account currency status mode payment_status billing_reason collection_method reason " +
    "interval usage_type billing_scheme tax_behavior unit_amount_decimal price product plan payment_intent charge " +
    "latest_charge invoice latest_invoice subscription subscription_item invoice_item customer payment_link " +
    "balance_transaction"
  ).split(" "),
);

const mails = new Set(["email", "customer_email"]);

/** Deeper than any event goes; no body makes this run out of stack. */
const deepest = 20;

function impersonal(name: string, value: unknown, depth: number): unknown {
  if (typeof value === "string") {
    if (mails.has(name)) return "";
    return plain.has(name) ? value : null;
  }
  if (typeof value !== "object" || value === null) return value;
  if (depth >= deepest || personal.has(name)) return null;
  if (Array.isArray(value)) return value.map((entry) => impersonal("", entry, depth + 1));
  if (name === "metadata") return pick(value, ["product_id", "product"]);
  const kept: Record<string, unknown> = Object.create(null);
  for (const [field, inner] of Object.entries(value)) {
    kept[field] =
      namesProduct(name, value, field) && typeof inner === "string" ? inner : impersonal(field, inner, depth + 1);
  }
  return kept;
}

/** A product's name stands in its own `name`, and in the `description` of a line of goods. */
function namesProduct(name: string, value: object, field: string): boolean {
  if (field === "name") return name === "product";
  const kind = isObject(value) ? value["object"] : undefined;
  return (
    field === "description" && (kind === "line_item" || kind === "item" || ("amount" in value && "period" in value))
  );
}

function pick(value: object, names: readonly string[]): Record<string, unknown> {
  const entries = Object.entries(value).filter(([name, inner]) => names.includes(name) && typeof inner !== "object");
  return Object.fromEntries(entries);
}
