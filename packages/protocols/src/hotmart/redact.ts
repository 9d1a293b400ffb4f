import { isObject, readObject, type Values } from "../values.ts";

/**
 * The same message without the person and without the account's token: only what this table knows stays, all else
 * becomes null, since nobody can say whom it names. `"redacted": true` marks it. A body that is not a JSON object keeps
 * nothing.
 */
export function redact(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const read = readObject(body);
  const kept = read.ok ? keptOf(read.value, known) : empty();
  kept["redacted"] = true;
  return new TextEncoder().encode(JSON.stringify(kept));
}

/** What stays: a value, or an object of such. */
type Known = { readonly [name: string]: true | Known };

const price = { value: true, currency_value: true } as const;
const subscriber = { code: true } as const;

const known: Known = {
  id: true,
  creation_date: true,
  creationDate: true,
  event: true,
  version: true,
  data: {
    product: { id: true, ucode: true, name: true },
    purchase: {
      transaction: true,
      status: true,
      approved_date: true,
      order_date: true,
      date_next_charge: true,
      recurrence_number: true,
      price,
      full_price: price,
      original_offer_price: price,
      payment: { type: true, installments_number: true },
      offer: { code: true, coupon_code: true },
      order_bump: { is_order_bump: true, parent_purchase_transaction: true },
    },
    subscription: { status: true, date_next_charge: true, plan: { id: true, name: true }, subscriber },
    subscriber,
    cancellation_date: true,
    date_next_charge: true,
  },
};

function keptOf(values: Values, table: Known): Record<string, unknown> {
  const kept = empty();
  for (const name of Object.keys(values)) {
    const value = values[name];
    const entry = Object.hasOwn(table, name) ? table[name] : undefined;
    if (entry === undefined) kept[name] = null;
    else if (entry === true) kept[name] = typeof value === "object" ? null : value;
    else kept[name] = isObject(value) ? keptOf(value, entry) : null;
  }
  return kept;
}

/** Without a prototype: every name is a field like any other. */
function empty(): Record<string, unknown> {
  return Object.create(null);
}
