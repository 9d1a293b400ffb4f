import { isObject, readObject } from "../values.ts";

/**
 * The same message without the person, and `"redacted": true` in it. Payer, subscriber, shipping and the means of payment go
 * as a whole; of the rest only values this table knows stay, since nobody can say whom another names. What was fetched
 * beside a message can be redacted by the same.
 */
export function redact(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const read = readObject(body);
  const kept = read.ok ? impersonal(read.value, "", 0) : undefined;
  return new TextEncoder().encode(JSON.stringify({ ...(isObject(kept) ? kept : {}), redacted: true }));
}

function impersonal(value: unknown, name: string, depth: number): unknown {
  if (depth > 20 || persons.has(name)) return null;
  if (Array.isArray(value)) return value.map((one) => impersonal(one, name, depth + 1));
  if (!isObject(value)) return values.has(name) || typeof value === "boolean" ? value : null;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => /^[A-Za-z0-9_]{1,60}$/.test(key) && key !== "__proto__")
      // An item is no person, and its name may be all that tells the product.
      .map(([key, one]) => [
        key,
        key === "name" && name === "items" && typeof one === "string" ? one : impersonal(one, key, depth + 1),
      ]),
  );
}

const persons = new Set(
  "payer payer_info subscriber buyer shipping shipping_address payment_source payee seller".split(" "),
);

const values = new Set(
  (
    "amount billing_agreement_id capture_id create_time currency currency_code cycles_completed cycles_remaining " +
    "description dispute_id dispute_life_cycle_stage event_type event_version failed_payments_count final_capture href id " +
    "intent invoice_id invoice_number method next_billing_time order_id outcome_code parent_payment payment_mode plan_id price " +
    "protection_eligibility quantity reason reason_code redacted reference_id rel resource_type resource_version sale_id " +
    "seller_transaction_id sequence sku start_time state status status_update_time tenure_type time total total_cycles " +
    "update_time value"
  ).split(" "),
);
