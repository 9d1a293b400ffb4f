import { keyOf } from "../hmac-key.ts";
import type { Instant } from "../domain/day.ts";

/**
 * The value of the header Stripe-Signature.
 * @param secret all of it is the key, `whsec_` included
 * @param at when it is signed; whole seconds are written
 * @throws with an empty secret
 * Source: Stripe, webhooks, "Verify webhook signatures manually"
 */
export async function sign(body: Uint8Array<ArrayBuffer>, secret: string, at: Instant): Promise<string> {
  if (secret.trim() === "") throw new Error("secret_missing: A notification cannot be signed without a secret.");
  const timestamp = String(Math.floor(at / 1000));
  const digest = await (await keyOf(secret)).sign(signedContent(timestamp, body));
  return `t=${timestamp},v1=${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** @param timestamp as written in the header */
export function signedContent(timestamp: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(`${timestamp}.`);
  const content = new Uint8Array(head.length + body.length);
  content.set(head);
  content.set(body, head.length);
  return content;
}
