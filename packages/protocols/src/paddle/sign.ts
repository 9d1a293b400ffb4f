import { keyOf } from "../hmac-key.ts";

/**
 * The value of `Paddle-Signature` for these bytes: one `h1` for every secret, two while a secret is being changed.
 * @param timestamp of this attempt, whole seconds since 1970
 * @throws without a secret, or with an empty one
 * Source: Paddle Billing, webhooks, "Verify webhook signatures"
 */
export async function sign(
  body: Uint8Array<ArrayBuffer>,
  timestamp: number,
  secrets: readonly string[],
): Promise<string> {
  if (secrets.length === 0 || secrets.includes(""))
    throw new Error("secret_missing: A Paddle notification cannot be signed without a secret.");
  const content = signedContent(String(timestamp), body);
  const entries = secrets.map(async (secret) => `;h1=${hex(await (await keyOf(secret)).sign(content))}`);
  return `ts=${timestamp}${(await Promise.all(entries)).join("")}`;
}

/** A colon stands between time and body; Stripe writes a dot. */
export function signedContent(timestamp: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(`${timestamp}:`);
  const content = new Uint8Array(head.length + body.length);
  content.set(head);
  content.set(body, head.length);
  return content;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
