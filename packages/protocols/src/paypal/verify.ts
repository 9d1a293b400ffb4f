import type { Instant } from "../domain/day.ts";
import type { Enquiry, Incoming, Known, Option, RefusalCode, Verdict } from "../protocol.ts";
import { nextEnquiry } from "./api.ts";
import { type Certificate, isChain, isSignedBy, readPem } from "./certificate.ts";
import { signedMessage, transmissionOf } from "./transmission.ts";

export const options: readonly Option[] = [
  {
    name: "webhook_id",
    required: false,
    secret: false,
    description:
      "The id of the webhook, found at developer.paypal.com under Apps & Credentials, the app, Webhooks: it is part of what PayPal signs. PayPal gives it when it knows the connection's address; until then nothing can be verified.",
  },
  {
    name: "client_id",
    required: false,
    secret: false,
    description:
      "The app's client id. PayPal's messages on captures and subscription payments name neither buyer nor product: with it and the secret they are asked for.",
  },
  { name: "client_secret", required: false, secret: true, description: "The app's secret, beside its client id." },
];

/**
 * Verifies one webhook with the certificate PayPal names. The certificate is fetched from paypal.com over TLS, and that
 * connection is what is trusted: Web APIs know no list of authorities, so the certificate itself is not traced to a
 * root. What can be seen of it is checked: it was valid at `now`, it is made out to a name under paypal.com, and where the
 * file holds the authorities above it, each signed the one before.
 *
 * The signature covers the body by a CRC-32 alone, so whoever holds one genuine message could make another body for it. That
 * bounds how long a message is taken: four days, since PayPal tries for three, and nowhere says that it signs a repeat
 * anew. It may also be ten minutes ahead of our clock.
 *
 * Where the app's client id and secret are known, what the message leaves out is fetched before it counts as verified.
 * @returns undecided until the certificate is there; refusals: those of the headers, secret_missing, timestamp_too_old,
 *          timestamp_too_new, signature_mismatch
 * Source: PayPal "Webhooks", integration and signature verification
 */
export async function verify(
  incoming: Incoming,
  _secrets: readonly string[],
  now: Instant,
  known: Known = {},
): Promise<Verdict> {
  const transmission = transmissionOf(incoming, known.mode);
  if ("code" in transmission) return refusal(transmission.code, transmission.sentence);
  const webhookId = known.options?.["webhook_id"]?.trim() ?? "";
  if (webhookId === "")
    return refusal(
      "secret_missing",
      "This connection does not know its webhook's id yet: enter it as webhook_id; it stands beside the webhook at developer.paypal.com.",
    );
  if (now - transmission.at > oldestMs)
    return refusal("timestamp_too_old", "PayPal sent this more than four days ago, longer than it goes on trying.");
  if (transmission.at - now > aheadMs)
    return refusal("timestamp_too_new", "This was sent in the future: is the clock of this machine right?");

  const [file, ...answers] = known.replies ?? [];
  const fetchCertificate: Enquiry = {
    method: "GET",
    url: transmission.certificateUrl,
    headers: { accept: "*/*", "user-agent": "Paybell" },
  };
  if (!file) return ask(fetchCertificate, "PayPal's certificate is fetched.");
  const certificates = file.status === 200 ? readPem(file.body) : undefined;
  if (!certificates) return ask(fetchCertificate, `PayPal gave no certificate (status ${file.status}).`, true);
  const wrong = await wrongWith(certificates, now);
  if (wrong) return refusal("signature_mismatch", wrong);
  const message = signedMessage(transmission, webhookId, incoming.body);
  if (!certificates[0] || !(await isSignedBy(certificates[0], transmission.signature, message)))
    return refusal(
      "signature_mismatch",
      "The signature does not fit: compare webhook_id with the id of the webhook at developer.paypal.com.",
    );
  const next = nextEnquiry(incoming.body, known, answers);
  return next ? ask(next.ask, next.sentence, next.again) : { ok: true };
}

const minuteMs = 60_000;
const oldestMs = 4 * 24 * 60 * minuteMs;
const aheadMs = 10 * minuteMs;

/** @returns a sentence, or undefined for certificates PayPal may sign with */
async function wrongWith(certificates: readonly Certificate[], now: Instant): Promise<string | undefined> {
  const names = certificates[0]?.commonNames ?? [];
  if (names.length === 0 || !names.every((name) => /^[a-z0-9.*-]+\.paypal\.com$/i.test(name)))
    return "The certificate is not made out to a name under paypal.com: this was not signed by PayPal.";
  if (certificates.some(({ notBefore, notAfter }) => now < notBefore || now > notAfter))
    return "The certificate was not valid when this came: is the clock of this machine right?";
  if (!(await isChain(certificates))) return "The certificates in PayPal's file did not sign each other.";
  return undefined;
}

function ask(enquiry: Enquiry, sentence: string, again = false): Verdict {
  return { ok: false, code: "undecided", sentence, ask: enquiry, ...(again && { again: true as const }) };
}

function refusal(code: RefusalCode, sentence: string): Verdict {
  return { ok: false, code, sentence };
}
