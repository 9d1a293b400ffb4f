import type { Instant } from "../domain/day.ts";
import { hmacKey } from "../hmac.ts";
import type { Incoming, RefusalCode, Verdict } from "../protocol.ts";
import { field, readMessage } from "./message.ts";

/**
 * Verifies one message by the secret word that stands in it. It proves no more than that the sender knows the word:
 * neither the fields beside it nor the time are signed, and a captured message can be repeated.
 * @returns a refusal: not_this_protocol, signature_missing, signature_mismatch, secret_missing
 * Source: ThriveCart "Using webhook notifications", thrivecart_secret
 */
export async function verify({ body }: Incoming, secrets: readonly string[], _now: Instant): Promise<Verdict> {
  const read = readMessage(body);
  if (!read.ok) {
    return refusal("not_this_protocol", "The body is neither a form nor JSON, and ThriveCart sends one of the two.");
  }
  const given = field(read.value, "thrivecart_secret");
  const word = typeof given === "number" ? String(given) : given;
  if (typeof word !== "string" || word === "") {
    return refusal(
      "signature_missing",
      "The field thrivecart_secret is missing; ThriveCart sends its secret word with every message.",
    );
  }
  // A message that was kept holds asterisks in place of the word: nobody may get in with those.
  const active = secrets.filter((secret) => !/^\**$/.test(secret));
  if (active.length === 0) {
    return refusal(
      "secret_missing",
      "This connection has no secret yet: enter the secret word from ThriveCart's settings, API & Webhooks.",
    );
  }
  for (const secret of active) if (await same(word, secret)) return { ok: true };
  return refusal(
    "signature_mismatch",
    "The secret word fits none of this connection's secrets: compare them with ThriveCart's settings, API & Webhooks.",
  );
}

/** In constant time: digests of both are compared, so that nothing tells how much of the word was right. */
async function same(given: string, secret: string): Promise<boolean> {
  const key = await hmacKey(bytes(secret));
  return key.verify(await key.sign(bytes(given)), bytes(secret));
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function refusal(code: RefusalCode, sentence: string): Verdict {
  return { ok: false, code, sentence };
}
