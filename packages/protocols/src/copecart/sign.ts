import { encodeBase64 } from "../base64.ts";
import { keyOf } from "../hmac-key.ts";

/**
 * The value of `X-Copecart-Signature` for these bytes.
 * @param body the bytes that will be sent, and sent again on every repeat
 * @returns standard Base64 with padding, 44 characters
 * @throws when the secret is empty
 * Source: CopeCart "IPN" 1.6.7, signature
 */
export async function sign(body: Uint8Array<ArrayBuffer>, secret: string): Promise<string> {
  if (secret === "") throw new Error("secret_missing: A CopeCart notification cannot be signed with an empty secret.");
  return encodeBase64(await (await keyOf(secret)).sign(body));
}
