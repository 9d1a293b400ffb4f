import { count, id, unreadable, type Values } from "../values.ts";
import type { Instant } from "../domain/day.ts";
import { type Fact, type FactBody, wholeOrder } from "../domain/fact.ts";
import type { Money } from "../domain/money.ts";
import { identityOf } from "../identity.ts";
import { fetched } from "./api.ts";
import { buyerOf } from "./purchase.ts";
import { list, moneyOf, object, text } from "./resource.ts";
import { happened, instantOf, type Message, resourceId, type Saying } from "./said.ts";
import { times, termsOf } from "./terms.ts";

/**
 * What a message about a subscription says. The order is the subscription, its product the plan.
 *
 * Activation moves no money. It opens the order: a free trial is one, and otherwise the first payment is pending; that of a
 * subscription activated again, a day or more after it was made, lifts its suspension. Updates say nothing: what was
 * agreed at purchase stays.
 * @returns unreadable_id, unreadable_buyer, unreadable_plan
 * Source: PayPal "Subscriptions v1"
 */
export function subscriptionFacts(event: string, message: Message): Saying {
  const orderId = resourceId(message);
  if (orderId === undefined) return unreadable("id", "The subscription has no id.");
  const { resource } = message;
  const at = instantOf(resource["status_update_time"]) ?? message.at;
  const waiting = (body: FactBody, when = at): Saying => ({
    ok: true,
    orderId,
    aliases: [],
    facts: [
      { ...body, identity: identityOf(body.kind, [orderId, message.id]), productId: wholeOrder, ...happened(when) },
    ],
  });
  switch (event) {
    case "BILLING.SUBSCRIPTION.ACTIVATED": {
      const made = instantOf(resource["create_time"]);
      const again = at !== undefined && made !== undefined && at - made >= dayMs;
      return again ? waiting({ kind: "resumed" }) : activated(orderId, message, at);
    }
    case "BILLING.SUBSCRIPTION.RE-ACTIVATED":
      return waiting({ kind: "resumed" });
    case "BILLING.SUBSCRIPTION.PAYMENT.FAILED":
      return waiting({ kind: "payment_failed", transactionId: orderId }, message.at);
    case "BILLING.SUBSCRIPTION.SUSPENDED":
    case "BILLING.SUBSCRIPTION.CANCELLED":
    case "BILLING.SUBSCRIPTION.EXPIRED":
      // No further payments; what was paid runs on (R8). None of them names a day.
      return waiting({ kind: "cancelled", chosenByVendor: false });
    default:
      return { ok: true, orderId, aliases: [], facts: [] };
  }
}

function activated(orderId: string, message: Message, at: Instant | undefined): Saying {
  const { resource } = message;
  const productId = id(resource["plan_id"]);
  if (productId === undefined) return unreadable("plan", "The subscription names no plan (plan_id).");
  const buyer = message.redacted ? { email: "" } : buyerOf(object(resource["subscriber"]), resource["custom_id"]);
  if (!buyer) return unreadable("buyer", "The subscription names no address of the buyer.");
  const { plan, next } = termsOf(resource);
  const quantity = count(resource["quantity"]);
  const common = { productId, plan, ...(quantity && { quantity }), ...happened(at) };
  const trial = freeTrialEnd(resource, next);
  const fact: Fact =
    trial === undefined
      ? {
          ...common,
          kind: "payment_pending",
          transactionId: orderId,
          // Before the words of the payments, which may not know the plan.
          rate: 1,
          identity: identityOf("payment_pending", [orderId]),
        }
      : { ...common, kind: "trial", to: { at: trial }, identity: identityOf("trial", [orderId]) };
  return { ok: true, orderId, aliases: [], buyer, facts: [fact] };
}

export type Sale = {
  readonly saleId: string;
  readonly subscriptionId: string;
  readonly amount: Money | undefined;
  readonly when: Instant | undefined;
};

/**
 * A payment of a subscription. Its plan, buyer and next date are those of the subscription as it was fetched; without the
 * app's client id and secret it is said of the whole order, which has one product, and waits for the activation to open it.
 * The identity is the same either way.
 */
export function subscriptionSale(
  kind: "payment" | "payment_pending" | "payment_failed",
  message: Message,
  { saleId, subscriptionId, amount, when }: Sale,
): Saying {
  const found = fetched(message.known, (value) => "plan_id" in value && id(value["id"]) === subscriptionId);
  const { plan, next } = found ? termsOf(found) : { plan: { kind: "subscription" as const } };
  const quantity = count(found?.["quantity"]);
  // Fetched a moment too early, it is still the date of this very payment.
  const due = next !== undefined && (when === undefined || next > when + dayMs) ? next : undefined;
  const body: FactBody =
    kind === "payment" && amount
      ? { kind, transactionId: saleId, amount, ...(due !== undefined && { next: { at: due } }) }
      : kind === "payment_failed"
        ? { kind, transactionId: saleId }
        : { kind: "payment_pending", transactionId: saleId, ...(amount && { amount }) };
  const fact: Fact = {
    ...body,
    identity: identityOf(body.kind, [saleId, subscriptionId]),
    productId: id(found?.["plan_id"]) ?? wholeOrder,
    plan,
    ...(quantity && { quantity }),
    ...happened(when),
  };
  const buyer = found && (message.redacted ? { email: "" } : buyerOf(object(found["subscriber"]), found["custom_id"]));
  return { ok: true, orderId: subscriptionId, aliases: [saleId], ...(buyer && { buyer }), facts: [fact] };
}

/**
 * A trial cycle of which nothing was paid is free: PayPal names no price here. Where that is said before its first payment
 * is known, access is provisional, and ends with the failure of that payment.
 */
function freeTrialEnd(resource: Values, next: Instant | undefined): Instant | undefined {
  const info = object(resource["billing_info"]);
  const trial = list(info["cycle_executions"]).find((cycle) => text(cycle["tenure_type"]) === "TRIAL");
  const paid = moneyOf(object(info["last_payment"])["amount"]);
  if (!trial || next === undefined || (paid && paid.minor > 0n)) return undefined;
  const start = instantOf(resource["start_time"]);
  const cycles = count(trial["total_cycles"]) ?? 1;
  return start === undefined || cycles <= 1 ? next : times(start, next, cycles);
}

const dayMs = 86_400_000;
