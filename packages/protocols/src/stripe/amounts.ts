import { type Currency, type Money, parseCurrency } from "../domain/money.ts";

/**
 * An amount as Stripe writes it: a whole number of its own smallest units, which for three currencies are not ISO 4217's.
 * @returns undefined for anything else, for less than nothing, and for a currency nobody knows
 * Source: Stripe, "Supported currencies", "Special cases" and "Zero-decimal currencies"
 */
export function moneyOf(value: unknown, currency: unknown): Money | undefined {
  const code = parseCurrency(currency);
  const units = unitsOf(value);
  if (!code || units === undefined || units < 0n) return undefined;
  return { minor: isoMinor(units, code), currency: code };
}

/** @returns undefined where it is no whole number */
export function unitsOf(value: unknown): bigint | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

function isoMinor(units: bigint, currency: Currency): bigint {
  if (tooFine.has(currency)) return (units + 50n) / 100n;
  return tooCoarse.has(currency) ? units * 100n : units;
}

/** Without places in ISO 4217, sent in hundredths all the same; fractions cannot be charged. */
const tooFine = new Set(["ISK", "UGX"]);
/** With places in ISO 4217, sent in whole units. */
const tooCoarse = new Set(["MGA"]);

/**
 * Shares an amount in proportion; the parts make up the whole.
 * @param weights none negative; where all are 0 the first bears it all
 */
export function share({ minor, currency }: Money, weights: readonly bigint[]): Money[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0n);
  let [weightSoFar, minorSoFar] = [0n, 0n];
  return weights.map((weight) => {
    weightSoFar += weight;
    const reached = total > 0n ? (minor * weightSoFar) / total : minor;
    const part = reached - minorSoFar;
    minorSoFar = reached;
    return { minor: part, currency };
  });
}
