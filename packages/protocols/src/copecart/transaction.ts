import { inBerlin } from "../berlin.ts";
import { type Instant, parseInstant } from "../domain/day.ts";
import { formatMajor, parseCurrency } from "../domain/money.ts";
import type { PaymentData } from "../domain/payment.ts";
import type { Outgoing } from "../format.ts";
import type { Occasion } from "./occasions.ts";

export type Told = {
  readonly event: Outgoing;
  readonly data: PaymentData;
  readonly test: boolean;
  readonly occasion: Occasion;
};

/** The fields only the regular events carry. */
export function transactionFields(told: Told, amount: string | null) {
  const { event, data, test, occasion } = told;
  const happenedAt = timestamp(parseInstant(data.happened_at, "Europe/Berlin") ?? event.at);
  const vat = amount === null ? null : vatOf(data);
  return {
    rate_number: data.rate ?? (data.plan.kind === "once" || occasion.trial ? 1 : null),
    test_payment: test,
    // CopeCart knows no regular event without one. The event's own id is the same on every repeat.
    transaction_id: data.transaction_id ?? event.id,
    transaction_type: occasion.transaction,
    transaction_date: happenedAt,
    transaction_processed_at: occasion.open ? null : happenedAt,
    transaction_currency: data.amount?.currency ?? null,
    transaction_amount: amount,
    transaction_vat_amount: vat,
    transaction_amount_per_product:
      amount === null
        ? null
        : [{ amount, vat_amount: vat, slug: data.product.id, is_addon: false, name: data.product.name ?? null }],
    transaction_earned_amount: test ? "0" : null,
    transaction_discount_amount: "0.0",
    line_item_amount: amount,
    line_item_vat_amount: vat,
    product_discount_amount: "0.0",
    bundle_addon: false,
  };
}

/** In major units; a trial for which nothing was paid is a sale of nothing. */
export function amountOf({ data: { amount }, occasion }: Told): string | null {
  if (amount) return major(amount.minor, amount.currency);
  return occasion.trial ? "0.0" : null;
}

function vatOf({ amount, tax_minor }: PaymentData): string | null {
  if (!amount) return "0.0";
  return typeof tax_minor === "number" ? major(tax_minor, amount.currency) : null;
}

function major(minor: number, code: string): string {
  const currency = parseCurrency(code);
  if (!currency) throw new Error("currency_unknown: The currency of an event has to be one of ISO 4217.");
  return formatMajor({ minor: BigInt(minor), currency });
}

/** `2026-03-03T18:22:41+01:00`; with three places where there are milliseconds. */
function timestamp(at: Instant): string {
  const smallestUnit = at % 1000 === 0 ? "second" : "millisecond";
  return inBerlin(at).toString({ timeZoneName: "never", smallestUnit });
}
