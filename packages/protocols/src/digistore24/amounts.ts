import { type Currency, formatMajor, parseCurrency } from "../domain/money.ts";
import type { PaymentData } from "../domain/payment.ts";
import type { Digistore24Message } from "./fields.ts";
import type { Occasion } from "./occasions.ts";

/**
 * The money of a call. Refunds are positive: which way the money went is told by the event.
 * @throws when the amount is in no currency of ISO 4217
 * Source: Digistore24 "IPN", parameters; the sign of refunds is not documented, and receivers that refuse a negative
 *         one are known
 */
export function amountFields(data: PaymentData, { sale, trial }: Occasion): Digistore24Message {
  if (!data.amount) return trial ? { transaction_amount: "0.00" } : {};
  const { minor } = data.amount;
  const currency = parseCurrency(data.amount.currency);
  if (!currency) throw new Error("currency_unknown: The currency of an event has to be one of ISO 4217.");
  const gross = decimal(minor, currency);
  const tax = data.tax_minor ?? undefined;
  return {
    transaction_amount: gross,
    transaction_currency: currency,
    amount_brutto: gross,
    currency,
    ...(tax !== undefined && {
      transaction_vat_amount: decimal(tax, currency),
      amount_vat: decimal(tax, currency),
      amount_netto: decimal(minor - tax, currency),
    }),
    ...(sale && planAmounts(data, gross)),
  };
}

/** A payment tells its own price; what the others of the plan cost is known to whoever was told of them. */
function planAmounts({ plan, rate }: PaymentData, gross: string): Digistore24Message {
  if (plan.kind === "once" || rate === 1) return { first_amount: gross };
  return rate ? { other_amounts: gross } : {};
}

/** With a dot and at least two places. */
function decimal(minor: number, currency: Currency): string {
  const text = formatMajor({ minor: BigInt(minor), currency });
  return /\.\d$/.test(text) ? `${text}0` : text;
}
