import type { Instant } from "../domain/day.ts";
import type { Incoming, RefusalCode, Verdict } from "../protocol.ts";
import { readForm } from "./form.ts";
import { isSignature, type Spelling, shaDigest } from "./sha-sign.ts";

/**
 * Verifies one notification against every active passphrase of its connection, with the names as they are and then in
 * upper case. The clock is not asked: Digistore24 sends no timestamp.
 * @returns a refusal: signature_missing, signature_malformed, signature_mismatch, secret_missing
 * Source: Digistore24 "IPN", sample code; values are hashed as received, HTML entities included
 */
export function verify(incoming: Incoming, secrets: readonly string[], _now: Instant): Promise<Verdict> {
  return verifyForm(incoming.body, secrets);
}

/** The same for a body. */
export async function verifyForm(body: Uint8Array, secrets: readonly string[]): Promise<Verdict> {
  const fields = readForm(body);
  const received = fields.get("sha_sign") || [...fields].find(([name, value]) => isSignature(name) && value)?.[1];
  if (!received)
    return refusal(
      "signature_missing",
      "The field sha_sign is missing. Digistore24 signs every notification: give its IPN connection a passphrase, and enter the same one here.",
    );
  const signature = readHex(received);
  if (!signature)
    return refusal(
      "signature_malformed",
      received === withoutPassphrase
        ? "The IPN connection at Digistore24 has no passphrase: enter one there, and the same one here."
        : "The field sha_sign is not a SHA-512 in hex (128 hex digits): check that nothing between Digistore24 and here changes the message.",
    );
  // A digest over public fields and an empty passphrase can be computed by anybody.
  const active = secrets.filter((secret) => secret !== "");
  if (active.length === 0)
    return refusal(
      "secret_missing",
      "This connection has no passphrase yet: enter the one of the IPN connection at Digistore24.",
    );
  for (const secret of active) {
    for (const spelling of spellings) {
      if (equal(signature, await shaDigest(fields, secret, spelling))) return { ok: true };
    }
  }
  return refusal(
    "signature_mismatch",
    "The signature fits none of this connection's passphrases: compare them with the one of the IPN connection at Digistore24.",
  );
}

/** What Digistore24's own code puts in place of a signature; anybody can send it. */
const withoutPassphrase = "no_signature_passphrase_provided";

const spellings: readonly Spelling[] = ["original", "upper"];

function readHex(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{128}$/i.test(text)) return undefined;
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** In constant time: every byte is looked at, whatever the ones before it were. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at += 1) difference |= (a[at] ?? 0) ^ (b[at] ?? 0);
  return difference === 0;
}

function refusal(code: RefusalCode, sentence: string): Verdict {
  return { ok: false, code, sentence };
}
