import { keyOf } from "../hmac-key.ts";
import type { Instant } from "../domain/day.ts";
import type { Incoming, Known, RefusalCode, Verdict } from "../protocol.ts";
import { enquiryAbout, missingOf } from "./enquiry.ts";
import { signedContent } from "./sign.ts";

/**
 * Verifies one notification against every active secret. With an API key, what the message leaves out and Stripe can
 * tell is asked for first: until then the verdict is `undecided`.
 * @returns a refusal: secret_missing, secret_malformed, signature_missing, signature_malformed, signature_mismatch,
 *          timestamp_missing, timestamp_malformed, timestamp_too_old, timestamp_too_new
 * Source: Stripe, webhooks, "Verify webhook signatures manually"; that a timestamp of the future is refused is ours
 */
export async function verify(
  { headers, body }: Pick<Incoming, "headers" | "body">,
  secrets: readonly string[],
  now: Instant,
  known: Known = {},
): Promise<Verdict> {
  const active = secrets.filter((secret) => secret.trim() !== "");
  const wrong = wrongSecrets(active);
  if (wrong) return wrong;
  const read = readHeader(headers.get("stripe-signature") ?? "");
  if ("ok" in read) return read;
  const late = outsideWindow(read.timestamp, now);
  if (late) return late;

  const content = signedContent(read.timestamp, body);
  for (const signature of read.signatures) {
    for (const secret of active) {
      if (await (await keyOf(secret)).verify(signature, content)) return complete(body, known);
    }
  }
  return refusal(
    "signature_mismatch",
    "The signature fits none of this connection's secrets: compare them with the signing secret (whsec_…) of exactly this endpoint at Stripe. Each endpoint has its own, live and test differ, and so does the command line's forwarder.",
  );
}

type Refused = Extract<Verdict, { ok: false }>;

function wrongSecrets(active: readonly string[]): Refused | undefined {
  if (active.length === 0)
    return refusal(
      "secret_missing",
      "This connection has no secret yet: enter the signing secret (whsec_…) Stripe shows for this endpoint.",
    );
  if (active.every((secret) => /^[srp]k_/.test(secret)))
    return refusal(
      "secret_malformed",
      "This connection's secret is an API key: enter the signing secret (whsec_…) Stripe shows for this endpoint.",
    );
  return undefined;
}

type Read = { readonly timestamp: string; readonly signatures: readonly Uint8Array<ArrayBuffer>[] };

/** Other names, `v0` above all, are not looked at: nobody talks us down to a weaker scheme. */
function readHeader(header: string): Read | Refused {
  if (header === "")
    return refusal("signature_missing", "The header Stripe-Signature is missing; Stripe signs every notification.");
  const pairs = header.split(",").map((pair) => {
    const equals = pair.indexOf("=");
    return [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()] as const;
  });
  const valuesOf = (name: string) => pairs.filter(([key]) => key === name).map(([, value]) => value);
  const [timestamp, ...others] = valuesOf("t");
  if (timestamp === undefined)
    return refusal("timestamp_missing", "The header Stripe-Signature holds no t=; the time is part of what is signed.");
  if (others.length > 0 || !/^\d{1,15}$/.test(timestamp))
    return refusal(
      "timestamp_malformed",
      "The t= of the header Stripe-Signature is not one whole number of seconds since 1970.",
    );
  const written = valuesOf("v1");
  if (written.length === 0)
    return refusal("signature_missing", "The header Stripe-Signature holds no v1=, the only scheme that counts.");
  const signatures = written.flatMap((text) => decodeHex(text) ?? []);
  // Each one costs a digest of the whole body.
  if (signatures.length === 0 || signatures.length > mostSignatures)
    return refusal(
      "signature_malformed",
      `The v1= of the header Stripe-Signature has to be 64 lower-case hex digits, and there may be ${mostSignatures} of them at most.`,
    );
  return { timestamp, signatures };
}

const mostSignatures = 16;

function decodeHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[0-9a-f]{64}$/.test(text)) return undefined;
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function outsideWindow(timestamp: string, now: Instant): Refused | undefined {
  const age = Math.floor(now / 1000) - Number(timestamp);
  if (age > toleranceSeconds)
    return refusal(
      "timestamp_too_old",
      `The notification was signed ${age} seconds ago, and ${toleranceSeconds} are accepted: it was captured and repeated, or one of the clocks is wrong.`,
    );
  if (age < -toleranceSeconds)
    return refusal(
      "timestamp_too_new",
      `The notification was signed ${-age} seconds in the future, and ${toleranceSeconds} are accepted: one of the clocks is wrong.`,
    );
  return undefined;
}

const toleranceSeconds = 300;

/** Proven; but is all there that it needs to be understood? */
function complete(body: Uint8Array, { options, replies = [] }: Known): Verdict {
  const ask = enquiryAbout(body, options?.["api_key"]);
  if (!ask) return { ok: true };
  const reply = replies.at(-1);
  const missing = reply && missingOf(reply);
  if (reply && !missing) return { ok: true };
  const sentence = missing ?? "Stripe is asked for what the message leaves out.";
  return { ok: false, code: "undecided", sentence, ask, ...(missing !== undefined && { again: true as const }) };
}

function refusal(code: RefusalCode, sentence: string): Refused {
  return { ok: false, code, sentence };
}
