import { hmacKey } from "../hmac.ts";

/**
 * The value of `X-Mollie-Signature` for these bytes.
 * @param body the bytes that will be sent
 * @throws when the secret is empty
 * Source: Mollie "Next-gen webhooks", signature
 */
export async function sign(body: Uint8Array<ArrayBuffer>, secret: string): Promise<string> {
  if (secret === "") throw new Error("secret_missing: A Mollie event cannot be signed with an empty secret.");
  const digest = await (await hmacKey(new TextEncoder().encode(secret))).sign(body);
  return `sha256=${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
