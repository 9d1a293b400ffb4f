import { isObject, readObject } from "../values.ts";
import { mollieId } from "./message.ts";

/**
 * The same message without the person. A classic call holds none: its id alone stays. Of an event, what is listed
 * here stays, and `"redacted": true` marks what it was about.
 */
export function redact(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(body);
  if (/^\s*[[{]/.test(text)) return redactReply(body);
  const ids = new URLSearchParams(`&${text}`).getAll("id").flatMap((id) => mollieId(id) ?? []);
  return bytes(ids.map((id) => `id=${id}`).join("&"));
}

/** The same for what Mollie answered: payments, subscriptions and customers are kept beside the call that led to them. */
export function redactReply(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const read = readObject(body);
  return bytes(JSON.stringify(read.ok ? impersonal(read.value, 0) : { redacted: true }));
}

function impersonal(value: unknown, depth: number): unknown {
  if (Array.isArray(value)) return depth < deepest ? value.map((entry) => impersonal(entry, depth + 1)) : null;
  if (!isObject(value)) return value;
  const left: Record<string, unknown> = Object.create(null);
  if (depth >= deepest) return left;
  for (const name of Object.keys(value)) {
    // What a refund or a chargeback is described with is written about the buyer, a payment's names the product.
    if (name === "description" && (value["resource"] === "refund" || value["resource"] === "chargeback")) continue;
    if (name === "metadata") left[name] = ownFields(value[name]);
    else if (kept.has(name)) left[name] = impersonal(value[name], depth + 1);
  }
  if (depth === 0 || typeof value["resource"] === "string") left["redacted"] = true;
  return left;
}

/** The seller's own fields, by name: what else stands there may name anybody. */
function ownFields(value: unknown): unknown {
  const fields = isObject(value) ? value : textFields(value);
  const left: Record<string, unknown> = {};
  for (const name of ["order_id", "product_id", "product_name", "quantity"]) {
    const field = fields?.[name];
    if (typeof field === "string" || typeof field === "number") left[name] = field;
  }
  return left;
}

function textFields(value: unknown) {
  const read = typeof value === "string" ? readObject(bytes(value)) : undefined;
  return read?.ok ? read.value : undefined;
}

const kept = new Set(
  (
    "resource id mode type entityId createdAt _embedded entity payments refunds chargebacks status amount value currency " +
    "amountRefunded amountRemaining amountChargedBack settlementAmount description method sequenceType profileId " +
    "customerId subscriptionId mandateId paymentId paidAt failedAt expiredAt canceledAt authorizedAt reversedAt startDate " +
    "nextPaymentDate interval times timesRemaining count lines sku quantity totalAmount unitPrice discountAmount vatRate " +
    "vatAmount"
  ).split(" "),
);

const deepest = 8;

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
