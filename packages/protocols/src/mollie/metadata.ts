import { isObject, type Values } from "../values.ts";

/**
 * The seller's own fields. Whoever made the payment may have written them as JSON, or as the text of it.
 * What is read: order_id, product_id, product_name, quantity, email, first_name, last_name, reference.
 * Source: Mollie Payments API v2, metadata; the names are Paybell's
 */
export function metadataOf(payment: Values): Values {
  const metadata = payment["metadata"];
  if (isObject(metadata)) return metadata;
  if (typeof metadata !== "string" || !metadata.trimStart().startsWith("{")) return {};
  try {
    const value: unknown = JSON.parse(metadata);
    return isObject(value) ? value : {};
  } catch {
    return {}; // a text of the seller's that only looks like JSON
  }
}
