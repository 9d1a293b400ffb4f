import { keyOf } from "../hmac-key.ts";

/**
 * The value of `X-Signature` for these bytes.
 * @returns 64 digits of lower-case hex
 * @throws when the secret is empty
 * Source: Lemon Squeezy, webhooks, "Signing requests"
 */
export async function sign(body: Uint8Array<ArrayBuffer>, secret: string): Promise<string> {
  if (secret === "") throw new Error("secret_missing: A Lemon Squeezy notification cannot be signed with no secret.");
  const digest = await (await keyOf(secret)).sign(body);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
