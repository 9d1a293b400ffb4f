import { id, label, unreadable } from "../values.ts";
import { type FactBody, type Fact, wholeOrder } from "../domain/fact.ts";
import { identityOf } from "../identity.ts";
import { parseCycle, parsePacific } from "./dates.ts";
import type { Form } from "./form.ts";
import { named } from "../paypal/split.ts";
import { amountOf, single } from "./lines.ts";
import { paymentFacts } from "./payments.ts";
import type { Said, Saying } from "./said.ts";
import { termsOf } from "./terms.ts";

/**
 * What a message about a subscription (`subscr_…`) or a profile (`recurring_payment…`) says. The order is the subscription,
 * every payment an alias of it, so a refund that only knows the payment finds it.
 *
 * Only payments, the agreement and a trial open the order; what else happens to it waits for one of those, and is said of
 * the whole order because some of these messages name no product.
 * @returns unreadable_subscription, unreadable_txn_id, unreadable_amount, unreadable_payment_status, unreadable_trial_end
 * Source: PayPal "IPN and PDT variables", subscription and recurring payment variables
 */
export function subscriptionFacts(type: string, form: Form): Saying {
  const orderId = id(form.get("subscr_id")) ?? id(form.get("recurring_payment_id"));
  if (orderId === undefined)
    return unreadable("subscription", "The message names no subscription (subscr_id, recurring_payment_id).");
  switch (type) {
    case "subscr_signup":
      return signedUp(orderId, form);
    case "recurring_payment_profile_created":
      return profileCreated(orderId, form);
    case "subscr_payment":
    case "recurring_payment":
    case "recurring_payment_outstanding_payment":
      return paid(orderId, form);
    case "subscr_failed":
    case "recurring_payment_failed":
    case "recurring_payment_skipped":
    case "recurring_payment_outstanding_payment_failed":
      // Each failure is one of its own: the attempt announced next tells them apart.
      return happened(type, orderId, form, {
        kind: "payment_failed",
        transactionId: id(form.get("txn_id")) ?? orderId,
      });
    case "subscr_cancel":
    case "subscr_eot":
    case "recurring_payment_profile_cancel":
    case "recurring_payment_expired":
    case "recurring_payment_suspended":
    case "recurring_payment_suspended_due_to_max_failed_payment":
      // No further payments; what was paid runs on (R8). None of them names a day.
      return happened(type, orderId, form, { kind: "cancelled", chosenByVendor: false });
    default:
      // subscr_modify, and what may come: what was agreed at purchase stays.
      return { ok: true, orderId, aliases: [id(form.get("txn_id"))], facts: [] };
  }
}

/**
 * Signing up moves no money, but it alone tells what was agreed: how often, how many times, and the periods before. A free
 * trial is one; otherwise the first payment is pending, and carries the plan. Its rate makes these words come before
 * those of the payments, which name the plan without its terms.
 */
function signedUp(orderId: string, form: Form): Saying {
  const { plan, trial, first } = termsOf(form);
  const at = parsePacific(form.get("subscr_date"));
  const product = named(single(form));
  const common = { ...product, plan, ...(at !== undefined && { happenedAt: at }) };
  if (trial.length > 0) {
    if (at === undefined)
      return unreadable(
        "trial_end",
        "The trial's end cannot be told: the day of the signup (subscr_date) cannot be read.",
      );
    const body: FactBody = { kind: "trial", to: { at: trial.reduce((end, length) => length(end), at) } };
    return opened(orderId, { ...common, ...body, identity: identityOf("trial", [orderId, product.productId]) });
  }
  return opened(orderId, {
    ...common,
    kind: "payment_pending",
    transactionId: orderId,
    rate: 1,
    ...(first && { amount: first }),
    identity: identityOf("payment_pending", [orderId, product.productId]),
  });
}

/** A profile: its set-up fee is a payment with a transaction of its own; a free trial reaches to the first payment. */
function profileCreated(orderId: string, form: Form): Saying {
  const fee = amountOf(form, ["initial_payment_amount"]);
  const transactionId = id(form.get("initial_payment_txn_id"));
  const status = form.get("initial_payment_status");
  if (fee && fee.minor > 0n && transactionId !== undefined && status !== undefined) {
    const renamed = new Map(form)
      .set("txn_id", transactionId)
      .set("payment_status", status)
      .set("mc_gross", form.get("initial_payment_amount") ?? "")
      .set("payment_date", form.get("payment_date") ?? form.get("time_created") ?? "");
    return paid(orderId, renamed);
  }
  const next = parsePacific(form.get("next_payment_date"));
  const at = parsePacific(form.get("time_created"));
  const price = amountOf(form, ["amount_per_cycle", "amount"]);
  if (periodType(form) !== "trial" || next === undefined || !price || price.minor > 0n)
    return { ok: true, orderId, aliases: [], facts: [] };
  const product = named(single(form));
  return opened(orderId, {
    ...product,
    kind: "trial",
    to: { at: next },
    plan: planOf(form),
    ...(at !== undefined && { happenedAt: at }),
    identity: identityOf("trial", [orderId, product.productId]),
  });
}

function paid(orderId: string, form: Form): Saying {
  if (!form.get("payment_status")?.trim())
    return unreadable("payment_status", "The message tells of a payment, but not how it stands (payment_status).");
  const next = parsePacific(form.get("next_payment_date"));
  return paymentFacts(form, { orderId, plan: planOf(form), ...(next !== undefined && { next: { at: next } }) });
}

/** Of a profile; a `subscr_payment` says nothing of its terms. In a trial the cycle is the trial's. */
function planOf(form: Form): { kind: "subscription"; interval?: NonNullable<ReturnType<typeof parseCycle>> } {
  const interval = periodType(form) === "trial" ? undefined : parseCycle(form.get("payment_cycle"));
  return { kind: "subscription", ...(interval && { interval }) };
}

/** PayPal writes ` Regular` with a space before it. */
function periodType(form: Form): string {
  return form.get("period_type")?.trim().toLowerCase() ?? "";
}

function happened(type: string, orderId: string, form: Form, body: FactBody): Saying {
  const at = parsePacific(form.get("subscr_date"));
  const words = ["ipn_track_id", "retry_at", "next_payment_date", "subscr_date"].map(
    (name) => label(form.get(name), 50) ?? "",
  );
  const fact: Fact = {
    ...body,
    identity: identityOf(body.kind, [orderId, type, ...words]),
    productId: wholeOrder,
    ...(at !== undefined && { happenedAt: at }),
  };
  return { ok: true, aliases: [orderId, id(form.get("txn_id"))], facts: [fact] };
}

function opened(orderId: string, fact: Fact): { ok: true } & Said {
  return { ok: true, orderId, aliases: [], facts: [fact] };
}
