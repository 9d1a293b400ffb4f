import { keyOf } from "../hmac-key.ts";
import type { Instant } from "../domain/day.ts";
import type { Incoming, Known, RefusalCode, Verdict } from "../protocol.ts";
import { enquiryFor } from "./ask.ts";
import { signedContent } from "./sign.ts";

/**
 * Verifies one notification against every active secret; any `h1` of the header may fit. With an API key, what the
 * message does not hold is asked for before anything acts on it.
 * @returns a refusal: signature_missing, signature_malformed, signature_mismatch, timestamp_missing,
 *          timestamp_malformed, timestamp_too_old, timestamp_too_new, secret_missing; or undecided
 * Source: Paddle Billing, webhooks, "Verify webhook signatures"
 */
export async function verify(
  { headers, body }: Pick<Incoming, "headers" | "body">,
  secrets: readonly string[],
  now: Instant,
  known: Known = {},
): Promise<Verdict> {
  const read = readHeader(headers.get("paddle-signature") ?? "");
  if ("ok" in read) return read;
  const late = outsideWindow(read.timestamp, now);
  if (late) return late;
  const active = secrets.filter((secret) => secret !== "");
  if (active.length === 0) {
    return refusal(
      "secret_missing",
      "This connection has no secret yet: enter the secret key of the notification destination in Paddle (pdl_ntfset_…).",
    );
  }
  if (!(await fits(read, body, active))) {
    return refusal(
      "signature_mismatch",
      "The signature fits none of this connection's secrets: compare them with the secret key of the notification destination in Paddle, and see that nothing on the way changes the body.",
    );
  }
  return enquiryFor(body, known) ?? { ok: true };
}

/**
 * Widest accepted gap between Paddle's clock and ours, to either side. Paddle's own library takes 5 seconds, too few
 * where clocks drift; every attempt is signed anew, so honest repeats are never older.
 */
export const toleranceSeconds = 300;

type Refused = Extract<Verdict, { ok: false }>;
type Read = { readonly timestamp: string; readonly signatures: readonly Uint8Array<ArrayBuffer>[] };

async function fits({ timestamp, signatures }: Read, body: Uint8Array, secrets: readonly string[]): Promise<boolean> {
  const content = signedContent(timestamp, body);
  for (const secret of secrets) {
    const key = await keyOf(secret);
    for (const signature of signatures) if (await key.verify(signature, content)) return true;
  }
  return false;
}

/** `ts=<unix>;h1=<hex>[;h1=<hex>]`; parts of other names are skipped. */
function readHeader(header: string): Read | Refused {
  if (header === "")
    return refusal("signature_missing", "The header Paddle-Signature is missing; Paddle Billing signs every message.");
  const parts = header.split(";").map((part) => part.trim());
  const valuesOf = (name: string) => parts.flatMap((part) => (part.startsWith(name) ? [part.slice(name.length)] : []));
  const [timestamp, ...others] = valuesOf("ts=");
  if (timestamp === undefined || timestamp === "")
    return refusal("timestamp_missing", "The header Paddle-Signature names no time: expected is ts=…;h1=….");
  if (others.length > 0 || !/^(0|[1-9]\d{0,14})$/.test(timestamp))
    return refusal(
      "timestamp_malformed",
      "The time in the header Paddle-Signature (ts) is not one whole number of seconds since 1970.",
    );
  const signatures = valuesOf("h1=").flatMap((text) => fromHex(text) ?? []);
  if (signatures.length === 0 || signatures.length > mostSignatures)
    return refusal(
      "signature_malformed",
      "The header Paddle-Signature holds no signature that can be read: expected is h1= and 64 digits of lower-case hex.",
    );
  return { timestamp, signatures };
}

/** Two while a secret is being changed; each costs a digest of the whole body. */
const mostSignatures = 8;

function fromHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[0-9a-f]{64}$/.test(text)) return undefined;
  return Uint8Array.from({ length: 32 }, (_, n) => Number.parseInt(text.slice(2 * n, 2 * n + 2), 16));
}

function outsideWindow(timestamp: string, now: Instant): Refused | undefined {
  const age = Math.floor(now / 1000) - Number(timestamp);
  if (age > toleranceSeconds)
    return refusal(
      "timestamp_too_old",
      `The message was signed ${age} seconds ago, and ${toleranceSeconds} are accepted: it was captured and repeated, or one of the clocks is wrong.`,
    );
  if (age < -toleranceSeconds)
    return refusal(
      "timestamp_too_new",
      `The message was signed ${-age} seconds in the future, and ${toleranceSeconds} are accepted: one of the clocks is wrong.`,
    );
  return undefined;
}

function refusal(code: RefusalCode, sentence: string): Refused {
  return { ok: false, code, sentence };
}
