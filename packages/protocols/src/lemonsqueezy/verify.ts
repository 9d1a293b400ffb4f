import { keyOf } from "../hmac-key.ts";
import type { Instant } from "../domain/day.ts";
import type { Incoming, Known, RefusalCode, Verdict } from "../protocol.ts";
import { enquiryFor } from "./ask.ts";

/**
 * Verifies one notification against every active secret. There is no timestamp, so the clock is not asked. With an API
 * key, what the message does not hold is asked for before anything acts on it.
 * @returns a refusal: signature_missing, signature_malformed, signature_mismatch, secret_missing; or undecided
 * Source: Lemon Squeezy, webhooks, "Signing requests"
 */
export async function verify(
  { headers, body }: Pick<Incoming, "headers" | "body">,
  secrets: readonly string[],
  _now: Instant,
  known: Known = {},
): Promise<Verdict> {
  const header = headers.get("x-signature") ?? "";
  if (header === "")
    return refusal("signature_missing", "The header X-Signature is missing; Lemon Squeezy signs every message.");
  if (!/^[0-9a-f]{64}$/.test(header)) {
    return refusal(
      "signature_malformed",
      "The header X-Signature is not 64 digits of lower-case hex, which is how Lemon Squeezy writes a signature: whoever sends this writes it otherwise, in Base64 for one.",
    );
  }
  const active = secrets.filter((secret) => secret !== "");
  if (active.length === 0) {
    return refusal(
      "secret_missing",
      "This connection has no secret yet: enter the signing secret typed into the webhook's settings in Lemon Squeezy.",
    );
  }
  const signature = Uint8Array.from({ length: 32 }, (_, n) => Number.parseInt(header.slice(2 * n, 2 * n + 2), 16));
  for (const secret of active) {
    if (await (await keyOf(secret)).verify(signature, body)) return enquiryFor(body, known) ?? { ok: true };
  }
  return refusal(
    "signature_mismatch",
    "The signature fits none of this connection's secrets: compare them with the signing secret in the webhook's settings in Lemon Squeezy.",
  );
}

function refusal(code: RefusalCode, sentence: string): Verdict {
  return { ok: false, code, sentence };
}
