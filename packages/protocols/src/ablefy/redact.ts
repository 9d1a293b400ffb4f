import { isObject, type Values } from "../values.ts";
import { fieldsOf } from "./message.ts";

/**
 * The same message without the person, as JSON whatever it came as: only what this table knows stays, all else goes
 * with its name, since any text can be read as a form that consists of one name. `"redacted": true` marks it.
 */
export function redact(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const read = fieldsOf(body);
  const kept = read.ok ? keptOf(read.value, known) : empty();
  kept["redacted"] = true;
  return new TextEncoder().encode(JSON.stringify(kept));
}

/** What stays: a value, an object of such, or a list of such objects; of `null` only that it was there. */
type Known = { readonly [name: string]: true | null | Known | readonly [Known] };

const product = { id: true, slug: true, name: true, type: true, price: true } as const;

const known: Known = {
  ...names(
    "id order_id payment_session_id refunded_transfer_id action event product_id currency revenue amount fee vat_rate " +
      "vat_amount recurring recurring_form payments_count payments_count_expected state payment_state payment_method " +
      "with_test_period with_custom_start created_date created_date_utc success_date success_date_utc invoice_number",
  ),
  product,
  membership: product,
  payer: null,
  pricing_plan: { name: true },
  payments_schedule: [names("rate state amount date")],
};

function names(list: string): { readonly [name: string]: true } {
  return Object.fromEntries(list.split(" ").map((name) => [name, true as const]));
}

function keptOf(values: Values, table: Known): Record<string, unknown> {
  const kept = empty();
  for (const name of Object.keys(values)) {
    const entry = Object.hasOwn(table, name) ? table[name] : undefined;
    if (entry !== undefined) kept[name] = keep(values[name], entry);
  }
  return kept;
}

function keep(value: unknown, entry: true | null | Known | readonly [Known]): unknown {
  if (entry === null) return null;
  if (entry === true) return typeof value === "object" ? null : value;
  if (isList(entry)) {
    return Array.isArray(value) ? value.map((one) => (isObject(one) ? keptOf(one, entry[0]) : null)) : null;
  }
  return isObject(value) ? keptOf(value, entry) : null;
}

function isList(entry: Known | readonly [Known]): entry is readonly [Known] {
  return Array.isArray(entry);
}

/** Without a prototype: every name is a field like any other. */
function empty(): Record<string, unknown> {
  return Object.create(null);
}
