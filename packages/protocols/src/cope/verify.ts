import { keyOf } from "../hmac-key.ts";
import type { Instant } from "../domain/day.ts";
import type { Incoming, RefusalCode, Verdict } from "../protocol.ts";

/**
 * Verifies one notification against every active secret of its connection. While a secret is being changed at COPE both
 * are valid, and the header may hold a signature by each.
 * @param secrets as COPE shows them, `whsec_` included: the whole text is the key
 * @returns a refusal: signature_missing, signature_malformed, signature_mismatch, timestamp_missing, timestamp_malformed,
 *          timestamp_too_old, timestamp_too_new, secret_missing, not_this_protocol
 * Source: docs.cope.com, webhooks, signature; the name X-Webhook-Signature was seen on test events of the dashboard
 */
export async function verify(incoming: Incoming, secrets: readonly string[], now: Instant): Promise<Verdict> {
  const { headers, body } = incoming;
  const header = headers.get("x-cope-signature") || headers.get("x-webhook-signature");
  if (!header) return unsigned(headers);
  const signed = readHeader(header);
  if (!signed) return malformed;
  // The timestamp that is signed decides; the header beside it is for those who signed without one in theirs.
  const timestamp = signed.timestamp ?? headers.get("x-cope-timestamp") ?? "";
  const outside = outsideWindow(timestamp, now);
  if (outside) return outside;
  const active = secrets.filter((secret) => secret !== "");
  if (active.length === 0)
    return refusal(
      "secret_missing",
      "This connection has no secret yet: enter the signing secret COPE showed for this endpoint, from whsec_ on.",
    );

  const content = signedContent(timestamp, body);
  for (const signature of signed.signatures) {
    for (const secret of active) {
      if (await (await keyOf(secret)).verify(signature, content)) return { ok: true };
    }
  }
  return refusal(
    "signature_mismatch",
    "The signature fits none of this connection's secrets: compare them with the signing secret of the endpoint at COPE, whsec_ included (an API key, cope_sk_…, is something else), and see that nothing on the way changes the body.",
  );
}

/** Widest gap between COPE's clock and ours, to either side, in seconds. */
const tolerance = 300;

type Refused = Exclude<Verdict, { readonly ok: true } | { readonly code: "undecided" }>;

function unsigned(headers: Headers): Refused {
  return headers.has("x-copecart-signature")
    ? refusal(
        "not_this_protocol",
        "This looks like an IPN of CopeCart, and this connection is for its successor COPE: make a connection for CopeCart and enter its address there.",
      )
    : refusal("signature_missing", "The header X-Cope-Signature is missing; COPE signs every notification.");
}

type Signed = {
  /** as it is written: its text is part of what is signed */
  readonly timestamp: string | undefined;
  readonly signatures: readonly Uint8Array<ArrayBuffer>[];
};

/** `t=<unix seconds>,v1=<hex>[,v1=<hex>]` in any order, with spaces or without; parts of unknown names are skipped. */
function readHeader(header: string): Signed | undefined {
  const entries = header.split(",").map((part) => {
    const [name = "", ...rest] = part.split("=");
    return { name: name.trim(), value: rest.join("=").trim() };
  });
  const times = new Set(entries.filter(({ name }) => name === "t").map(({ value }) => value));
  const signatures = entries.filter(({ name }) => name === "v1").flatMap(({ value }) => readHex(value) ?? []);
  // Each signature costs a digest of the whole body.
  if (times.size > 1 || signatures.length === 0 || signatures.length > mostSignatures) return undefined;
  return { timestamp: [...times][0], signatures };
}

const mostSignatures = 16;

function readHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[0-9a-f]{64}$/.test(text)) return undefined;
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function outsideWindow(timestamp: string, now: Instant): Refused | undefined {
  if (timestamp === "")
    return refusal(
      "timestamp_missing",
      "The header X-Cope-Signature holds no time: expected is t=, the seconds since 1970.",
    );
  if (!/^(0|[1-9]\d{0,11})$/.test(timestamp))
    return refusal(
      "timestamp_malformed",
      "The time in the header X-Cope-Signature is not a whole number of seconds since 1970.",
    );
  const ageMs = now - Number(timestamp) * 1000;
  if (ageMs > tolerance * 1000)
    return refusal(
      "timestamp_too_old",
      `The notification was signed ${Math.ceil(ageMs / 1000)} seconds ago, and ${tolerance} are accepted: it was captured and repeated, or this machine's clock is wrong.`,
    );
  if (ageMs < -tolerance * 1000)
    return refusal(
      "timestamp_too_new",
      `The notification was signed ${Math.ceil(-ageMs / 1000)} seconds in the future, and ${tolerance} are accepted: this machine's clock is wrong, or the sender's.`,
    );
  return undefined;
}

/** The bytes `<t>`, a dot and the body as received. */
function signedContent(timestamp: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(`${timestamp}.`);
  const content = new Uint8Array(head.length + body.length);
  content.set(head);
  content.set(body, head.length);
  return content;
}

function refusal(code: RefusalCode, sentence: string): Refused {
  return { ok: false, code, sentence };
}

const malformed = refusal(
  "signature_malformed",
  "The header X-Cope-Signature cannot be read: expected is t=, the seconds since 1970, a comma, v1= and 64 hex digits in lower case, once or for each active secret.",
);
