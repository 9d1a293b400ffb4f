import { count, email, id, label, type Values } from "../values.ts";
import type { Buyer } from "../domain/fact.ts";
import { type Currency, parseMinor } from "../domain/money.ts";
import { list, object, text } from "./resource.ts";
import type { Line } from "./split.ts";

/**
 * The products of an order that one capture paid for: those of its purchase unit, or of all where nobody tells which.
 *
 * A product is known by its `sku`, or by its name where the seller gave it none. A unit without items is one product: its
 * `reference_id` if the seller chose one, else its description, else `default`, the id PayPal itself gives the unit.
 * Source: PayPal "Orders v2", purchase_unit
 */
export function orderLines(order: Values, captureId: string | undefined, currency: Currency): Line[] {
  const units = list(order["purchase_units"]);
  const own = units.find((unit) => capturesOf(unit).some((capture) => id(capture["id"]) === captureId));
  return (own ? [own] : units).flatMap((unit) => {
    const lines = itemLines(list(unit["items"]), currency);
    return lines.length > 0 ? lines : [unitLine(unit)];
  });
}

/** The captures of a purchase unit. */
export function capturesOf(unit: Values): readonly Values[] {
  return list(object(unit["payments"])["captures"]);
}

/** The same of the older API's payment. Source: PayPal "Payments v1", transaction */
export function paymentLines(payment: Values, currency: Currency): Line[] {
  return list(payment["transactions"]).flatMap((transaction) => {
    const lines = itemLines(list(object(transaction["item_list"])["items"]), currency);
    return lines.length > 0 ? lines : [unitLine(transaction)];
  });
}

/**
 * Who bought. Orders have a `payer`, subscriptions a `subscriber`; the older API tells of the person in `payer_info`.
 * @param reference the seller's own text
 * @returns undefined where there is no address
 */
export function buyerOf(person: Values, reference: unknown): Buyer | undefined {
  const info = { ...person, ...object(person["payer_info"]) };
  const address = email(info["email_address"] ?? info["email"]);
  if (address === undefined) return undefined;
  const name = object(info["name"]);
  const firstName = label(name["given_name"] ?? info["first_name"]);
  const lastName = label(name["surname"] ?? info["last_name"]);
  const country = text(object(info["address"])["country_code"] ?? info["country_code"]).toUpperCase();
  const own = label(reference);
  return {
    email: address,
    ...(firstName && { firstName }),
    ...(lastName && { lastName }),
    ...(/^[A-Z]{2}$/.test(country) && { country }),
    ...(own && { reference: own }),
  };
}

/**
 * The buyer of an order: where `payer` is missing, the account that paid.
 * @param reference the seller's own text on the capture, before that on the order
 */
export function orderBuyer(order: Values, reference: unknown): Buyer | undefined {
  const own = reference ?? list(order["purchase_units"])[0]?.["custom_id"];
  return buyerOf(object(order["payer"]), own) ?? buyerOf(object(object(order["payment_source"])["paypal"]), own);
}

function itemLines(items: readonly Values[], currency: Currency): Line[] {
  return items.flatMap((item): Line[] => {
    const productName = label(item["name"]);
    const productId = id(text(item["sku"])) ?? id(productName);
    if (productId === undefined) return [];
    const quantity = count(item["quantity"]);
    // v2: an amount with its currency; v1: the plain figure.
    const price = object(item["unit_amount"])["value"] ?? item["price"];
    const each = parseMinor(price, currency);
    return [
      {
        productId,
        ...(productName && { productName }),
        ...(quantity && { quantity }),
        weight: each === undefined ? undefined : each * BigInt(quantity ?? 1),
      },
    ];
  });
}

function unitLine(unit: Values): Line {
  const productName = label(unit["description"]);
  const reference = text(unit["reference_id"]);
  const productId = (reference === "default" ? undefined : id(reference)) ?? id(productName) ?? "default";
  return { productId, ...(productName && { productName }), weight: undefined };
}
