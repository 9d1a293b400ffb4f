import { encodeBase64 } from "../base64.ts";
import { keyOf } from "./key.ts";

/** One attempt as it is signed. */
export type Message = {
  /** the same over all attempts; visible ASCII without a dot */
  readonly id: string;
  /** of this attempt, whole seconds since 1970 */
  readonly timestamp: number;
  readonly body: Uint8Array<ArrayBuffer>;
};

/**
 * The value of `webhook-signature`: one entry for every secret, `v1` for `whsec_` and `v1a` for `whsk_`.
 * @throws without secrets, with one that cannot sign, or with an id the signed text cannot hold
 * Source: Standard Webhooks 1.0.0, "Signature scheme"
 */
export async function sign(message: Message, secrets: readonly string[]): Promise<string> {
  if (!idPattern.test(message.id))
    throw new Error("id_malformed: A notification's id has to be visible ASCII without a dot.");
  if (secrets.length === 0) throw new Error("secret_missing: A notification cannot be signed without a secret.");
  const content = signedContent(message.id, String(message.timestamp), message.body);
  const entries = secrets.map(async (secret) => {
    const key = await keyOf(secret);
    if (!key?.sign) throw new Error("secret_malformed: One of the secrets cannot be used for signing.");
    return `${key.version},${encodeBase64(await key.sign(content))}`;
  });
  return (await Promise.all(entries)).join(" ");
}

/** Id and timestamp hold no dot, so that no two notifications are the same text. */
export function signedContent(id: string, timestamp: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(`${id}.${timestamp}.`);
  const content = new Uint8Array(head.length + body.length);
  content.set(head);
  content.set(body, head.length);
  return content;
}

export const idPattern = /^[\x21-\x2d\x2f-\x7e]+$/;
