import { id, isObject, type Values } from "../values.ts";
import { type Money, parseCurrency, parseMinor } from "../domain/money.ts";

/** An object, empty where there is none. */
export function object(value: unknown): Values {
  return isObject(value) ? value : {};
}

/** The objects of a list, none where there is no list. */
export function list(value: unknown): readonly Values[] {
  return Array.isArray(value) ? value.slice(0, mostEntries).filter(isObject) : [];
}

export function text(value: unknown): string {
  return typeof value === "string" ? value.trim() : "";
}

/**
 * An amount without its sign: v2 writes `value` and `currency_code`, v1 `total` and `currency`.
 * @returns undefined where it is missing or cannot be read
 * Source: PayPal "Payments v2", money; "Payments v1", amount
 */
export function moneyOf(value: unknown): Money | undefined {
  const amount = object(value);
  const currency = parseCurrency(amount["currency_code"] ?? amount["currency"]);
  const minor = currency && parseMinor(amount["value"] ?? amount["total"], currency);
  return currency && minor !== undefined ? { minor: minor < 0n ? -minor : minor, currency } : undefined;
}

/** The id at the end of a link to one of these: `…/v2/checkout/orders/5O19` by `orders`. */
export function linkedId(links: readonly Values[], kind: "orders" | "captures" | "sale"): string | undefined {
  const found = links
    .filter((link) => link["rel"] === "up" || kind === "sale")
    .map((link) => new RegExp(`/${kind}/([A-Za-z0-9-]{1,64})$`).exec(text(link["href"]))?.[1]);
  return id(found.find((one) => one !== undefined));
}

const mostEntries = 500;
