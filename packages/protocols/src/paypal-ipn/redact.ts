import { ascii, pairsOf } from "./form.ts";

/**
 * The same form without the person: what this table does not know becomes empty, since nobody can say whom it names, and
 * `redacted=true` stands at its end. The pairs that stay are the same bytes. What the buyer typed or the seller passed through
 * (`custom`, `memo`, options) goes; numbers of orders, products and money stay.
 */
export function redact(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (const { raw, name } of pairsOf(body)) {
    const text = ascii(name);
    if (text === "redacted" || !/^[A-Za-z0-9_]{1,60}$/.test(text)) continue;
    parts.push(kept.has(text.replace(/_?\d+$/, "")) || kept.has(text) ? raw : encoder.encode(`${text}=`));
  }
  parts.push(encoder.encode("redacted=true"));
  return joined(parts);
}

const encoder = new TextEncoder();

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length + 1, -1));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
    if (at < all.length) all[at] = 0x26;
    at += 1;
  }
  return all;
}

/** Without the number of a cart's line. */
const kept = new Set(
  (
    "amount amount_per_cycle auth_amount auth_exp auth_id auth_status business case_creation_date case_id case_type " +
    "charset currency_code exchange_rate initial_payment_amount initial_payment_status initial_payment_txn_id invoice " +
    "ipn_track_id item_name item_number mc_amount mc_currency mc_fee mc_gross mc_handling mc_shipping mc_tax " +
    "next_payment_date notify_version num_cart_items outstanding_balance parent_txn_id payment_cycle payment_date " +
    "payment_fee payment_gross payment_status payment_type pending_reason period period_type product_name product_type " +
    "profile_status protection_eligibility quantity reason_code reattempt receiver_email receiver_id recur_times recurring " +
    "recurring_payment_id remaining_settle resend retry_at settle_amount settle_currency subscr_date subscr_effective " +
    "subscr_id tax test_ipn time_created txn_id txn_type"
  ).split(" "),
);
