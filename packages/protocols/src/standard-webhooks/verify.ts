import { decodeBase64 } from "../base64.ts";
import type { Instant } from "../domain/day.ts";
import type { Incoming, RefusalCode, Verdict } from "../protocol.ts";
import { type Key, keyOf } from "./key.ts";
import { idPattern, signedContent } from "./sign.ts";

/**
 * Verifies one notification against every active secret: `whsec_…` checks `v1` entries alone, `whpk_…` (or the
 * `whsk_…` it belongs to) `v1a` entries alone.
 * @param toleranceSeconds widest accepted gap between the sender's clock and `now`, to either side
 * @returns a refusal: id_missing, id_malformed, timestamp_missing, timestamp_malformed, timestamp_too_old,
 *          timestamp_too_new, signature_missing, signature_malformed, signature_mismatch, secret_missing, secret_malformed
 * Source: Standard Webhooks 1.0.0, "Verifying signatures"; the header names of Svix are taken too
 */
export async function verify(
  { headers, body }: Pick<Incoming, "headers" | "body">,
  secrets: readonly string[],
  now: Instant,
  toleranceSeconds = 300,
): Promise<Verdict> {
  const read = readHeaders(headers);
  if ("ok" in read) return read;
  const late = outsideWindow(read.timestamp, now, toleranceSeconds);
  if (late) return late;
  const entries = readEntries(read.signature);
  if (!Array.isArray(entries)) return entries;
  const keys = await usableKeys(secrets);
  if (!Array.isArray(keys)) return keys;

  const content = signedContent(read.id, read.timestamp, body);
  for (const { version, signature } of entries) {
    for (const key of keys) {
      if (key.version !== version) continue;
      if (await key.verify(signature, content)) return { ok: true };
    }
  }
  return refusal(
    "signature_mismatch",
    "The signature fits none of this connection's secrets: compare them with the sender's, and see that nothing on the way changes the body.",
  );
}

type Refused = Extract<Verdict, { ok: false }>;
type Read = { readonly id: string; readonly timestamp: string; readonly signature: string };

/** All three of one family: a signature covers the id and the timestamp that stand beside it. */
function readHeaders(headers: Headers): Read | Refused {
  const family = parts.some((part) => headers.has(`webhook-${part}`)) || !headers.has("svix-id") ? "webhook" : "svix";
  const [id, timestamp, signature] = parts.map((part) => headers.get(`${family}-${part}`) ?? "");
  if (!id) return refusal("id_missing", "The header webhook-id is missing; it is part of what is signed.");
  if (!timestamp)
    return refusal("timestamp_missing", "The header webhook-timestamp is missing; every attempt carries one.");
  if (!signature) return refusal("signature_missing", "The header webhook-signature is missing.");
  if (!idPattern.test(id))
    return refusal(
      "id_malformed",
      "The header webhook-id contains a dot or a character outside of ASCII; neither may stand in an id.",
    );
  return { id, timestamp, signature };
}

const parts = ["id", "timestamp", "signature"] as const;

function outsideWindow(timestamp: string, now: Instant, toleranceSeconds: number): Refused | undefined {
  if (!/^(0|[1-9]\d{0,14})$/.test(timestamp))
    return refusal("timestamp_malformed", "The header webhook-timestamp is not a whole number of seconds since 1970.");
  const age = Math.floor(now / 1000) - Number(timestamp);
  if (age > toleranceSeconds)
    return refusal(
      "timestamp_too_old",
      `The attempt was signed ${age} seconds ago, and ${toleranceSeconds} are accepted: it was captured and repeated, or one of the clocks is wrong.`,
    );
  if (age < -toleranceSeconds)
    return refusal(
      "timestamp_too_new",
      `The attempt was signed ${-age} seconds in the future, and ${toleranceSeconds} are accepted: one of the clocks is wrong.`,
    );
  return undefined;
}

type Entry = { readonly version: Key["version"]; readonly signature: Uint8Array<ArrayBuffer> };

/** Entries of unknown versions and unreadable ones are skipped. */
function readEntries(header: string): Entry[] | Refused {
  const entries = header.split(" ").flatMap((text): Entry[] => {
    const comma = text.indexOf(",");
    const version = text.slice(0, comma);
    if (version !== "v1" && version !== "v1a") return [];
    const signature = decodeBase64(text.slice(comma + 1));
    return signature?.length === lengths[version] ? [{ version, signature }] : [];
  });
  if (entries.length === 0)
    return refusal(
      "signature_malformed",
      "The header webhook-signature holds no entry that can be read: expected is v1, or v1a, a comma and Base64, entries separated by single spaces.",
    );
  // Each entry costs a digest of the whole body.
  if (entries.length > mostEntries)
    return refusal("signature_malformed", `The header webhook-signature holds more than ${mostEntries} signatures.`);
  return entries;
}

const lengths = { v1: 32, v1a: 64 } as const;
const mostEntries = 16;

async function usableKeys(secrets: readonly string[]): Promise<Key[] | Refused> {
  const written = secrets.filter((secret) => secret !== "");
  if (written.length === 0) return refusal("secret_missing", "This connection has no secret yet: enter the sender's.");
  const keys = (await Promise.all(written.map((secret) => keyOf(secret)))).filter((key) => key !== undefined);
  if (keys.length > 0) return keys;
  return refusal(
    "secret_malformed",
    "None of this connection's secrets can be used: expected is whsec_ and the Base64 of 24 to 64 bytes, or whpk_ and that of 32.",
  );
}

function refusal(code: RefusalCode, sentence: string): Refused {
  return { ok: false, code, sentence };
}
