import { isObject, type Values } from "../values.ts";
import { isJson, pathOf, readMessage } from "./message.ts";

/**
 * The same message without the person and without the secret word: what is listed here stays, and `redacted` marks it.
 * A form stays a form, JSON stays JSON. What is not listed goes, since nobody can say whom it names.
 */
export function redact(body: Uint8Array): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(isJson(body) ? redactJson(body) : redactForm(body));
}

function redactForm(body: Uint8Array): string {
  const form = new URLSearchParams();
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(body);
  for (const [name, value] of new URLSearchParams(`&${text}`)) if (stays(pathOf(name) ?? [])) form.append(name, value);
  form.append("redacted", "true");
  return form.toString();
}

function redactJson(body: Uint8Array): string {
  const read = readMessage(body);
  const left = read.ok ? impersonal(read.value, []) : {};
  return JSON.stringify({ ...left, redacted: true });
}

/** Follows a value no deeper than fields that are listed lead. */
function impersonal(values: Values | readonly unknown[], path: readonly string[]): object {
  const left = Object.entries(values).flatMap(([name, value]): [string, unknown][] => {
    const inner = [...path, name];
    const nested = isObject(value) || Array.isArray(value);
    if (nested) return inner.length < deepest && leads(inner) ? [[name, impersonal(value, inner)]] : [];
    return stays(inner) ? [[name, value]] : [];
  });
  return Array.isArray(values) ? left.map(([, value]) => value) : Object.fromEntries(left);
}

const deepest = 4;

/** Whether a field of this path stays. Entries of lists are numbered, those of maps named by product. */
function stays(path: readonly string[]): boolean {
  const [first = "", second = "", third, fourth] = path;
  switch (path.length) {
    case 1:
      return top.has(first);
    case 2:
      return maps.has(first) || (first === "order" && order.has(second)) || (plans.has(first) && item.has(second));
    case 4:
      return (
        first === "order" && charges.has(second) && third !== undefined && fourth !== undefined && item.has(fourth)
      );
    default:
      return false;
  }
}

function leads(path: readonly string[]): boolean {
  const [first = "", second = ""] = path;
  if (path.length === 1) return first === "order" || maps.has(first) || plans.has(first);
  return first === "order" && charges.has(second);
}

const names = (text: string): ReadonlySet<string> => new Set(text.split(" "));

const top = names(
  "event event_id webhook_id mode mode_int thrivecart_account base_product base_product_name base_product_label order_id " +
    "invoice_id subscription_id order_date order_timestamp order_date_unix order_date_iso8601 date date_unix date_iso8601 " +
    "currency customer_id purchase_map_flat",
);
const maps = names("subscriptions subscription_ids transactions purchase_map purchases");
const plans = names("subscription refund");
const charges = names("charges future_charges");
const order = names(
  "id invoice_id total total_str total_gross total_gross_str tax tax_str tax_type processor date_iso8601",
);
const item = names(
  "id type product_id name label reference item_type item_identifier amount amount_str amount_gross amount_gross_str " +
    "original_amount tax_paid quantity unit_price payment_plan_id payment_plan_name frequency frequency_days " +
    "remaining_rebills billing_period_end billing_period_end_iso8601 currency invoice_id processor defer defer_date due " +
    "related_to_recur",
);
