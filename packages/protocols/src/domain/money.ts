/** ISO 4217 code, upper case. Made only by {@link parseCurrency}. */
export type Currency = string & { readonly __brand: "Currency" };

/** An amount in the currency's smallest unit: 29.90 EUR is 2990n, 500 JPY is 500n. Never a float. */
export type Money = { readonly minor: bigint; readonly currency: Currency };

/** @returns undefined for a code ISO 4217 does not list: how many places it has would be a guess */
export function parseCurrency(text: unknown): Currency | undefined {
  if (typeof text !== "string") return undefined;
  const code = text.trim().toUpperCase();
  return isCurrency(code) ? code : undefined;
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
  if (fourPlaces.has(currency)) return 4;
  return threePlaces.has(currency) ? 3 : 2;
}

const noMinorUnit = new Set("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" "));
const threePlaces = new Set("BHD IQD JOD KWD LYD OMR TND".split(" "));
const fourPlaces = new Set("CLF UYW".split(" "));

/** Codes in use, and those replaced in recent years, which old orders still name. */
const listed = new Set(
  (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF " +
    "CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD " +
    "GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP " +
    "LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN " +
    "PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS " +
    "TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW " +
    "ZWG ZWL"
  ).split(" "),
);

function isCurrency(code: string): code is Currency {
  return listed.has(code);
}

/** A number small or large enough to be printed with an exponent is no amount; the pattern above refuses it. */
function plainDecimal(value: number): string | undefined {
  return Number.isFinite(value) ? String(value) : undefined;
}
