import type { Instant } from "../domain/day.ts";
import type { Incoming, RefusalCode, Verdict } from "../protocol.ts";
import { keyOf } from "../hmac-key.ts";

/**
 * Verifies one notification against every active secret of its connection.
 * The clock is not asked: CopeCart sends no timestamp, and honest repeats come up to three hours later.
 * @returns a refusal: signature_missing, signature_malformed, signature_mismatch, secret_missing
 * Source: CopeCart "IPN" 1.6.7, signature
 */
export function verify(incoming: Incoming, secrets: readonly string[], _now: Instant): Promise<Verdict> {
  return verifySignature(incoming.headers.get("x-copecart-signature"), incoming.body, secrets);
}

/** The same for a header value as it was written; `null` where there was none. */
export async function verifySignature(
  header: string | null,
  body: Uint8Array<ArrayBuffer>,
  secrets: readonly string[],
): Promise<Verdict> {
  if (header === null || header === "") {
    return refusal(
      "signature_missing",
      "The header X-Copecart-Signature is missing; CopeCart signs every notification.",
    );
  }
  if (/^[0-9a-f]{64}$/i.test(header)) {
    return refusal(
      "signature_malformed",
      "The signature is written in hex, and CopeCart writes Base64: whoever sends this has to send the digest's 32 bytes as Base64, 44 characters that end in =.",
    );
  }
  const signature = decode(header);
  if (!signature) {
    return refusal(
      "signature_malformed",
      "The header X-Copecart-Signature is not the Base64 of 32 bytes: expected are exactly 44 characters that end in =.",
    );
  }
  const active = secrets.filter((secret) => secret !== "");
  if (active.length === 0) {
    return refusal(
      "secret_missing",
      "This connection has no secret yet: enter the one typed into CopeCart's IPN settings.",
    );
  }
  for (const secret of active) {
    if (await (await keyOf(secret)).verify(signature, body)) return { ok: true };
  }
  return refusal(
    "signature_mismatch",
    "The signature fits none of this connection's secrets: compare the secret with the one in CopeCart's IPN settings.",
  );
}

/** Standard Base64 of exactly 32 bytes, in its one canonical spelling: the last letter carries no spare bits. */
function decode(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length !== 44 || !/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text)) return undefined;
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function refusal(code: RefusalCode, sentence: string): Verdict {
  return { ok: false, code, sentence };
}
