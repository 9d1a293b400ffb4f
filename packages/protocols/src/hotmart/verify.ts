import { readObject } from "../values.ts";
import type { Instant } from "../domain/day.ts";
import type { Incoming, RefusalCode, Verdict } from "../protocol.ts";

/**
 * Compares the account's token (hottok) with every active secret. Nothing else proves a message of Hotmart's: neither
 * body nor time is covered, so a message that was seen once can be repeated or changed by whoever knows the token.
 * @returns a refusal: signature_missing, signature_mismatch, secret_missing
 * Source: Hotmart "Webhook 2.0": header X-HOTMART-HOTTOK; messages of version 1 carry `hottok` in the body
 */
export async function verify(incoming: Incoming, secrets: readonly string[], _now: Instant): Promise<Verdict> {
  const token = incoming.headers.get("x-hotmart-hottok") || tokenInBody(incoming.body);
  if (!token)
    return refusal(
      "signature_missing",
      "The header X-HOTMART-HOTTOK is missing; Hotmart sends the account's token with every message.",
    );
  const active = secrets.filter((secret) => secret !== "");
  if (active.length === 0)
    return refusal(
      "secret_missing",
      "This connection has no token yet: enter the hottok from Hotmart's webhook settings.",
    );
  const sent = await digest(token);
  for (const secret of active) if (equal(sent, await digest(secret))) return { ok: true };
  return refusal(
    "signature_mismatch",
    "The token fits none of this connection's: compare them with the hottok in Hotmart's webhook settings, which is one for all connections of the account.",
  );
}

function tokenInBody(body: Uint8Array): string | undefined {
  const read = readObject(body);
  const token = read.ok ? read.value["hottok"] : undefined;
  return typeof token === "string" ? token : undefined;
}

/** Digests have one length, so that comparing tells nothing about the token's. */
async function digest(token: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token)));
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
