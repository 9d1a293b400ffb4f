import { type HmacKey, hmacKey } from "../hmac.ts";
import type { Instant } from "../domain/day.ts";
import type { Incoming, Known, RefusalCode, Verdict } from "../protocol.ts";
import { gather, type Wanted } from "./gather.ts";
import { type Message, readMessage } from "./message.ts";

/**
 * A new webhook is verified by its signature. A classic one carries none: anybody can send it, and only Mollie, asked with
 * the connection's API key, says whether there is such a payment and what became of it.
 * The clock is not asked: Mollie signs no time, and honest repeats come up to 26 hours later.
 * @returns undecided with what to ask; or a refusal: signature_missing, signature_malformed, signature_mismatch,
 *          secret_missing, secret_malformed, id_missing, id_malformed, denied_by_provider, not_this_protocol
 * Source: Mollie "Webhooks"; "Next-gen webhooks", signature
 */
export async function verify(
  { headers, body }: Incoming,
  secrets: readonly string[],
  _now: Instant,
  known?: Known,
): Promise<Verdict> {
  const message = readMessage(body);
  const signature = headers.get("x-mollie-signature");
  const signed = signature !== null && signature !== "";
  if (signed) {
    const verdict = await verifySignature(signature, body, secrets);
    if (!verdict.ok) return verdict;
  }
  if ("code" in message) return refusal(message.code, message.sentence);
  if (message.kind === "event" && !signed) {
    return refusal(
      "signature_missing",
      "The header X-Mollie-Signature is missing: Mollie signs every event it sends as JSON.",
    );
  }
  return asked(message, known);
}

/** The same for a header value as it was written. While a secret is being changed it holds two signatures. */
export async function verifySignature(
  header: string,
  body: Uint8Array<ArrayBuffer>,
  secrets: readonly string[],
): Promise<Verdict> {
  const signatures = header.split(",", mostSignatures + 1).flatMap((text) => decode(text) ?? []);
  if (signatures.length === 0 || signatures.length > mostSignatures) {
    return refusal(
      "signature_malformed",
      "The header X-Mollie-Signature cannot be read: expected is sha256= and the 64 hex digits of the digest.",
    );
  }
  const active = secrets.filter((secret) => secret !== "");
  if (active.length === 0) {
    return refusal(
      "secret_missing",
      "This connection has no secret yet: enter the signing secret Mollie showed when the webhook was made.",
    );
  }
  for (const secret of active) {
    const key = await keyOf(secret);
    for (const signature of signatures) if (await key.verify(signature, body)) return { ok: true };
  }
  return refusal(
    "signature_mismatch",
    "The signature fits none of this connection's secrets: compare them with the webhook's signing secret at Mollie.",
  );
}

const mostSignatures = 8;

function decode(text: string): Uint8Array<ArrayBuffer> | undefined {
  const hex = /^\s*(?:sha256=)?([0-9a-f]{64})\s*$/i.exec(text)?.[1];
  return hex === undefined ? undefined : Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function keyOf(secret: string): Promise<HmacKey> {
  return hmacKey(new TextEncoder().encode(secret));
}

function asked(message: Message, known: Known | undefined): Verdict {
  const result = gather(message, known?.replies ?? []);
  if (result.kind === "told") return { ok: true };
  if (result.kind === "denied") {
    return refusal(
      "denied_by_provider",
      "Mollie knows no such payment for this API key: somebody invented the id, or the payment belongs to another profile, or to the other mode (test or live).",
    );
  }
  const key = known?.options?.["api_key"]?.trim() ?? "";
  if (key === "") {
    // What is signed is Mollie's all the same; it is told as far as it tells itself.
    if (message.kind === "event") return { ok: true };
    return refusal(
      "secret_missing",
      "This connection has no API key yet: enter the one from Mollie's dashboard under Developers, API keys.",
    );
  }
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    return refusal(
      "secret_malformed",
      "The API key holds characters no key of Mollie's has: copy it again from the dashboard, live_… or test_… and nothing else.",
    );
  }
  const ask = enquiry(result.wanted, key);
  switch (result.kind) {
    case "wanted":
      return { ok: false, code: "undecided", sentence: "Mollie is asked what became of this payment.", ask };
    case "locked":
      return {
        ok: false,
        code: "undecided",
        sentence:
          "Mollie does not accept the API key: it is wrong or was revoked. Enter the present one from Mollie's dashboard under Developers, API keys; then it is asked again.",
        ask,
        again: true,
      };
    case "mute":
      return {
        ok: false,
        code: "undecided",
        sentence: "Mollie gave no answer that says anything; it is asked again.",
        ask,
        again: true,
      };
    default:
      return result satisfies never;
  }
}

function enquiry({ path }: Wanted, key: string) {
  return {
    method: "GET" as const,
    url: `https://api.mollie.com/v2/${path}`,
    headers: { authorization: `Bearer ${key}`, accept: "application/hal+json" },
  };
}

function refusal(code: RefusalCode, sentence: string): Verdict {
  return { ok: false, code, sentence };
}
