/** ISO 4217 code, upper case. Made only by {@link parseCurrency}. */
export type Currency = string & { readonly __brand: "Currency" };

/** An amount in the currency's smallest unit: 29.90 EUR is 2990n, 500 JPY is 500n. Never a float. */
export type Money = { readonly minor: bigint; readonly currency: Currency };

export function parseCurrency(text: unknown): Currency | undefined {
  if (typeof text !== "string") return undefined;
  const code = text.trim().toUpperCase();
  return /^[A-Z]{3}$/.test(code) ? (code as Currency) : undefined;
}

/**
 * Reads a decimal in major units without touching a float.
 * @param value text such as "119.0", or a JSON number
 * @returns minor units; undefined for commas, thousands separators, exponents, more places than
 *          the currency has (other than zeros), or anything longer than 15 digits
 */
export function parseMinor(value: unknown, currency: Currency): bigint | undefined {
  const text = typeof value === "number" ? plainDecimal(value) : value;
  if (typeof text !== "string") return undefined;
  const match = /^(-?)(\d{1,15})(?:\.(\d{1,20}))?$/.exec(text.trim());
  if (!match) return undefined;
  const digits = minorDigits(currency);
  const fraction = (match[3] ?? "").padEnd(digits, "0");
  if (/[1-9]/.test(fraction.slice(digits))) return undefined;
  const minor = BigInt(`${match[2]}${fraction.slice(0, digits)}`);
  return match[1] === "-" ? -minor : minor;
}

/** The amount as decimal text in major units with at least one place: 2990n EUR is "29.9", 11900n is "119.0". */
export function formatMajor({ minor, currency }: Money): string {
  const digits = minorDigits(currency);
  const sign = minor < 0n ? "-" : "";
  const text = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits);
  const fraction = text.slice(text.length - digits).replace(/0+$/, "");
  return `${sign}${whole}.${fraction || "0"}`;
}

/** Places after the point. Source: ISO 4217; `Intl` is not asked because its figures differ for some currencies. */
export function minorDigits(currency: Currency): number {
  if (noMinorUnit.has(currency)) return 0;
  return threePlaces.has(currency) ? 3 : 2;
}

const noMinorUnit = new Set(
  "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" "),
);
const threePlaces = new Set("BHD IQD JOD KWD LYD OMR TND".split(" "));

function plainDecimal(value: number): string | undefined {
  if (!Number.isFinite(value) || Math.abs(value) >= 1e15) return undefined;
  const text = String(value);
  return text.includes("e") ? value.toFixed(20).replace(/0+$/, "").replace(/\.$/, "") : text;
}
