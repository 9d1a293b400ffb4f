import { email, id, label, unreadable } from "../values.ts";
import type { Buyer } from "../domain/fact.ts";
import type { Parsed } from "../protocol.ts";
import { adjustmentFacts, caseFacts, correctionFacts, correctionOf } from "./corrections.ts";
import { type Form, readForm } from "./form.ts";
import { paymentFacts } from "./payments.ts";
import type { Saying } from "./said.ts";
import { subscriptionFacts } from "./subscriptions.ts";

/**
 * Reads the facts of one IPN. `payment_status` decides before `txn_type`: a refund repeats the type of its sale, or none.
 *
 * An order is named by what PayPal itself chose, never by `invoice` or `custom`, which the buyer can edit in a plain button:
 * the subscription (`subscr_id`, `recurring_payment_id`); else the authorisation or order a payment was captured from
 * (`parent_txn_id`); else the payment (`txn_id`). Whatever else a message knows is an alias, so that sale, capture, renewal and
 * refund meet whichever comes first. Refunds, reversals and notices open no order, and wait for it.
 * @returns a refusal whose code starts with `unreadable_`; it waits for the operator
 * Source: PayPal "IPN and PDT variables"
 */
export function parse(body: Uint8Array): Parsed {
  const read = readForm(body);
  if (!read.ok) return read;
  const { form } = read;
  const type = form.get("txn_type")?.trim() ?? "";
  const event = label([type, form.get("payment_status")?.trim() ?? ""].filter((word) => word !== "").join(" "), 200);
  if (event === undefined)
    return unreadable(
      "txn_type",
      "The message says neither what it is (txn_type) nor how a payment stands (payment_status).",
    );
  const said = sayingOf(type, form);
  if (!said.ok) return said;
  const { orderId, facts } = said;
  const aliases = [...new Set(said.aliases)].filter((alias) => alias !== undefined && alias !== orderId) as string[];
  const buyer = orderId === undefined || facts.length === 0 ? undefined : buyerOf(form);
  if (buyer === "missing")
    return unreadable(
      "payer_email",
      "The message does not say who paid: the field payer_email is missing or cannot be read.",
    );
  return {
    ok: true,
    reading: {
      event,
      mode: form.get("test_ipn")?.trim() === "1" ? "test" : "live",
      ...(orderId !== undefined && { orderId }),
      ...(aliases.length > 0 && { aliases }),
      ...(buyer && { buyer }),
      facts,
    },
  };
}

function sayingOf(type: string, form: Form): Saying {
  const correction = correctionOf(form);
  if (correction) return correctionFacts(correction, form);
  if (type.startsWith("subscr_") || type.startsWith("recurring_payment")) return subscriptionFacts(type, form);
  if (type === "new_case") return caseFacts(form);
  if (type === "adjustment") return adjustmentFacts(form);
  if (silent.has(type)) return { ok: true, aliases: [], facts: [] };
  const orderId = id(form.get("parent_txn_id")) ?? id(form.get("txn_id"));
  if (orderId === undefined) return { ok: true, aliases: [], facts: [] };
  return paymentFacts(form, { orderId, ...(once.has(type) && { plan: { kind: "once" } }) });
}

/** What the seller paid out, and billing agreements, whose payments come as `merch_pmt`. */
const silent = new Set(["masspay", "payout", "mp_signup", "mp_cancel", "mp_notification"]);

/** A payment under a billing agreement may be one of many: it says nothing of a plan. */
const once = new Set(["web_accept", "express_checkout", "cart", "send_money", "pro_hosted", "virtual_terminal"]);

/** @returns missing where there is no address, unless the person was taken out of the message */
function buyerOf(form: Form): Buyer | "missing" {
  const address = email(form.get("payer_email"));
  if (address === undefined && form.get("redacted") !== "true") return "missing";
  const firstName = label(form.get("first_name"));
  const lastName = label(form.get("last_name"));
  const company = label(form.get("payer_business_name"));
  const country = (form.get("residence_country") || form.get("address_country_code"))?.trim().toUpperCase() ?? "";
  const reference = label(form.get("custom"));
  return {
    email: address ?? "",
    ...(firstName && { firstName }),
    ...(lastName && { lastName }),
    ...(company && { company }),
    ...(/^[A-Z]{2}$/.test(country) && { country }),
    ...(reference && { reference }),
  };
}
