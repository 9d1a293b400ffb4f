import type { Instant } from "../domain/day.ts";
import type { Incoming, Known, Option, RefusalCode, Reply, Verdict } from "../protocol.ts";
import { ascii, type Form, readPlainForm } from "./form.ts";

export const options: readonly Option[] = [
  {
    name: "receiver",
    required: true,
    secret: false,
    description:
      "The PayPal address or merchant id your buyers pay to; several are separated by commas. It is found in PayPal under Account settings, Business information.",
  },
];

/**
 * Nothing in an IPN can be checked here: PayPal itself is asked whether it sent exactly these bytes. Before that the
 * message has to be meant for this seller, since PayPal also confirms what somebody bought from himself.
 *
 * Which PayPal is asked, live or sandbox, is the connection's mode and never the message's own `test_ipn`: else a free
 * purchase in the sandbox would open a live product. There is no secret, and no clock: PayPal sends no time of sending.
 * @returns undecided until PayPal has answered; refusals: not_this_protocol, recipient_mismatch, denied_by_provider
 * Source: PayPal "Instant Payment Notification", IPN protocol
 */
export async function verify(
  incoming: Incoming,
  _secrets: readonly string[],
  _now: Instant,
  known: Known = {},
): Promise<Verdict> {
  const form = readPlainForm(incoming.body);
  if (!["txn_type", "payment_status", "txn_id"].some((name) => form.get(name)))
    return refusal(
      "not_this_protocol",
      "This is no IPN of PayPal: it has none of the fields txn_type, payment_status and txn_id. PayPal's JSON webhooks need a connection of their own.",
    );
  const meant = recipient(form, known.options?.["receiver"] ?? "");
  if (meant) return meant;
  const ask = {
    method: "POST" as const,
    url: known.mode === "test" ? sandbox : live,
    headers: { "content-type": "application/x-www-form-urlencoded", "user-agent": "Paybell" },
    body: behind("cmd=_notify-validate&", incoming.body),
  };
  const reply = known.replies?.at(-1);
  if (!reply) return { ok: false, code: "undecided", sentence: "PayPal is asked whether it sent this.", ask };
  switch (wordOf(reply)) {
    case "VERIFIED":
      return { ok: true };
    case "INVALID":
      return refusal(
        "denied_by_provider",
        `PayPal's ${known.mode === "test" ? "sandbox" : "live system"} says it did not send this. Was it sent by the ${known.mode === "test" ? "live system" : "sandbox"}, this connection has the wrong mode; messages of the IPN simulator cannot be proven.`,
      );
    default:
      return {
        ok: false,
        code: "undecided",
        again: true,
        sentence: `PayPal answered neither VERIFIED nor INVALID (status ${reply.status}); it is asked again later.`,
        ask,
      };
  }
}

const live = "https://ipnpb.paypal.com/cgi-bin/webscr";
const sandbox = "https://ipnpb.sandbox.paypal.com/cgi-bin/webscr";

/** The bytes as they came: decoded and encoded again they would be INVALID. */
function behind(prefix: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const before = new TextEncoder().encode(prefix);
  const all = new Uint8Array(before.length + body.length);
  all.set(before);
  all.set(body, before.length);
  return all;
}

/** @returns undefined where the message is meant for one of these receivers */
function recipient(form: Form, setting: string): Verdict | undefined {
  const own = setting
    .split(",")
    .map(plain)
    .filter((one) => one !== "");
  if (own.length === 0)
    return refusal(
      "recipient_mismatch",
      "This connection does not know yet who is paid: enter as receiver the address or merchant id of your PayPal account.",
    );
  const named = ["receiver_email", "business", "receiver_id"].map((name) => plain(form.get(name) ?? ""));
  if (named.some((one) => own.includes(one))) return undefined;
  return refusal(
    "recipient_mismatch",
    "This payment went to another PayPal account: neither receiver_email nor business nor receiver_id is one of this connection's receivers. Is the account yours, add it to receiver.",
  );
}

function plain(text: string): string {
  return text.trim().toLowerCase();
}

function wordOf({ status, body }: Reply): string {
  return status === 200 && body.length <= 16 ? ascii(body) : "";
}

function refusal(code: RefusalCode, sentence: string): Verdict {
  return { ok: false, code, sentence };
}
