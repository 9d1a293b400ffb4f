import { decodeBase64 } from "../base64.ts";
import { type Instant, parseInstant } from "../domain/day.ts";
import type { Mode } from "../domain/fact.ts";
import type { Incoming, RefusalCode } from "../protocol.ts";
import { crc32 } from "./crc32.ts";

/** What PayPal's headers say of a message. */
export type Transmission = {
  readonly id: string;
  /** as it was written: it is part of what is signed */
  readonly time: string;
  readonly at: Instant;
  readonly signature: Uint8Array<ArrayBuffer>;
  readonly certificateUrl: string;
};

export type Refused = { readonly code: RefusalCode; readonly sentence: string };

/**
 * Reads the headers, before anything is fetched.
 * @param mode of the connection
 * @returns signature_missing, signature_malformed, id_missing, timestamp_missing, timestamp_malformed, recipient_mismatch
 * Source: PayPal "Webhooks", message headers
 */
export function transmissionOf({ headers }: Incoming, mode: Mode | undefined): Transmission | Refused {
  const header = (name: string) => headers.get(`paypal-${name}`) || undefined;
  const [id, time, text, address, algorithm] = [
    header("transmission-id"),
    header("transmission-time"),
    header("transmission-sig"),
    header("cert-url"),
    header("auth-algo"),
  ];
  if (text === undefined || address === undefined)
    return {
      code: "signature_missing",
      sentence: "The headers PAYPAL-TRANSMISSION-SIG and PAYPAL-CERT-URL are missing; PayPal signs every webhook.",
    };
  if (id === undefined) return { code: "id_missing", sentence: "The header PAYPAL-TRANSMISSION-ID is missing." };
  if (time === undefined)
    return { code: "timestamp_missing", sentence: "The header PAYPAL-TRANSMISSION-TIME is missing." };
  const at = time.endsWith("Z") ? parseInstant(time, "UTC") : undefined;
  if (at === undefined)
    return { code: "timestamp_malformed", sentence: "The header PAYPAL-TRANSMISSION-TIME is not a time in UTC." };
  if (algorithm?.toLowerCase() !== "sha256withrsa")
    return { code: "signature_malformed", sentence: "The header PAYPAL-AUTH-ALGO has to be SHA256withRSA." };
  const signature = decodeBase64(text);
  if (!signature || signature.length === 0)
    return { code: "signature_malformed", sentence: "The header PAYPAL-TRANSMISSION-SIG is not Base64." };
  const url = certificateAddress(address);
  if (!url)
    return {
      code: "signature_malformed",
      sentence:
        "The header PAYPAL-CERT-URL does not lead to a certificate at paypal.com over https: this was not sent by PayPal.",
    };
  if (mode !== "test" && url.hostname.split(".").includes("sandbox"))
    return {
      code: "recipient_mismatch",
      sentence: "This comes from PayPal's sandbox, and the connection is live: make a test connection for the sandbox.",
    };
  return { id, time, at, signature, certificateUrl: url.href };
}

/** What PayPal signs. @param webhookId the connection's own, never one from the message */
export function signedMessage(
  { id, time }: Pick<Transmission, "id" | "time">,
  webhookId: string,
  body: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${id}|${time}|${webhookId}|${crc32(body)}`);
}

/**
 * Only a plain address at paypal.com is fetched: no user, no port, and no query by which some other page there could be
 * made to say what the sender wants.
 */
function certificateAddress(text: string): URL | undefined {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined; // no address at all
  }
  const plain = url.username === "" && url.password === "" && url.port === "" && url.search === "" && url.hash === "";
  return url.protocol === "https:" && url.hostname.endsWith(".paypal.com") && plain ? url : undefined;
}
