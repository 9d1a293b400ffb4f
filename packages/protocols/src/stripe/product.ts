import { id, isObject, label, type Values } from "../values.ts";
import { objectIn, refIn } from "./event.ts";

/** What one product has of the money, as a share: weights are compared with each other only. */
export type Part = {
  readonly productId: string;
  readonly productName?: string;
  readonly quantity?: number;
  readonly weight: bigint;
};

/**
 * The product of a checkout's line item, an invoice line or a subscription item, wherever its API version keeps it:
 * `pricing.price_details.product` (since basil), `price.product`, `plan.product`.
 */
export function productOf(line: Values): { readonly id: string; readonly name?: string } | undefined {
  const places = [
    objectIn(objectIn(line, "pricing"), "price_details"),
    objectIn(line, "price"),
    objectIn(line, "plan"),
  ];
  for (const place of places) {
    const found = refIn(place, "product");
    if (found === undefined) continue;
    const expanded = place["product"];
    const name = isObject(expanded) ? label(expanded["name"]) : undefined;
    return { id: found, ...(name !== undefined && { name }) };
  }
  return undefined;
}

/** The product the vendor wrote into the metadata: `product_id`, else `product`. */
export function namedProduct(values: Values): string | undefined {
  const metadata = objectIn(values, "metadata");
  return id(metadata["product_id"]) ?? id(metadata["product"]);
}
