import { id, label, type Values, word } from "../values.ts";
import { type Instant, parseInstant } from "../domain/day.ts";
import { type Fact, wholeOrder } from "../domain/fact.ts";
import { identityOf } from "../identity.ts";
import { type Message, planOf, type Says } from "./message.ts";
import { inside, objects } from "../objects.ts";

/**
 * What a subscription says. Money is told by its transactions; here it is trials and ends.
 * - a scheduled cancellation or pause shows as `scheduled_change` alone until its day; both stop the plan for that day
 * - `subscription.canceled` and `.paused` name the instant they took effect; what was paid for runs on (R8)
 * - a cancellation withdrawn shows as an update without a scheduled change. So does a renewal, within the first hour
 *   of the new period: that one says nothing
 * - `subscription.past_due` says what the failed transaction says; `.imported` brings no money along
 */
export function subscriptionSays(message: Message): Says {
  const { id: orderId, data } = message;
  const transaction = id(data["transaction_id"]);
  return { orderId, ...(transaction && { aliases: [transaction] }), facts: factsOf(message) };
}

function factsOf(message: Message): readonly Fact[] {
  const { data, event, occurredAt } = message;
  switch (event) {
    case "subscription.created":
    case "subscription.trialing":
    case "subscription.activated":
    case "subscription.imported":
      return [...trialsOf(message), ...scheduledOf(message)];
    case "subscription.updated":
      return [...trialsOf(message), ...scheduledOf(message), ...withdrawnOf(message)];
    case "subscription.canceled":
      return stopped(message, "canceled", parseInstant(data["canceled_at"], "UTC") ?? occurredAt);
    case "subscription.paused":
      return stopped(message, "paused", parseInstant(data["paused_at"], "UTC") ?? occurredAt);
    case "subscription.resumed":
      return resumed(message);
    default:
      return [];
  }
}

function trialsOf(message: Message): readonly Fact[] {
  const { data, id: subscription } = message;
  if (word(data["status"]) !== "trialing") return [];
  const ending = parseInstant(inside(data, "current_billing_period")["ends_at"], "UTC");
  return itemsOf(data).flatMap(({ common, dates }): Fact[] => {
    const end = parseInstant(dates["ends_at"], "UTC") ?? ending ?? parseInstant(data["next_billed_at"], "UTC");
    if (end === undefined) return [];
    const begin = parseInstant(dates["starts_at"], "UTC") ?? parseInstant(data["started_at"], "UTC");
    const happenedAt = begin ?? message.occurredAt;
    const identity = identityOf("trial", [subscription, common.productId, text(end)]);
    return [{ kind: "trial", to: { at: end }, identity, ...common, ...(happenedAt !== undefined && { happenedAt }) }];
  });
}

function scheduledOf(message: Message): readonly Fact[] {
  const change = inside(message.data, "scheduled_change");
  const action = word(change["action"]);
  const at = parseInstant(change["effective_at"], "UTC");
  return (action === "cancel" || action === "pause") && at !== undefined ? stopped(message, action, at) : [];
}

/** @param why tells the announcement of an end from the end itself */
function stopped(message: Message, why: string, at: Instant | undefined): readonly Fact[] {
  return itemsOf(message.data).map(({ common }) => ({
    kind: "cancelled",
    ...(at !== undefined && { for: { at } }),
    chosenByVendor: false,
    identity: identityOf("cancelled", [message.id, common.productId, why, at === undefined ? "" : text(at)]),
    ...common,
    ...(message.occurredAt !== undefined && { happenedAt: message.occurredAt }),
  }));
}

function withdrawnOf(message: Message): readonly Fact[] {
  const { data, occurredAt } = message;
  if (word(data["status"]) !== "active" || data["scheduled_change"] !== null) return [];
  const begin = parseInstant(inside(data, "current_billing_period")["starts_at"], "UTC");
  const renewed = begin !== undefined && occurredAt !== undefined && occurredAt - begin < 3_600_000;
  return renewed ? [] : resumed(message);
}

function resumed(message: Message): readonly Fact[] {
  const { occurredAt, id: subscription } = message;
  const when = occurredAt === undefined ? "" : text(occurredAt);
  return itemsOf(message.data).map(({ common }) => ({
    kind: "resumed",
    identity: identityOf("resumed", [subscription, common.productId, when]),
    ...common,
    ...(occurredAt !== undefined && { happenedAt: occurredAt }),
  }));
}

function text(at: Instant): string {
  return new Date(at).toISOString();
}

/** One for every product; the order as a whole where the message names none. */
function itemsOf(data: Values) {
  const items = objects(data["items"]).flatMap((item) => {
    const price = inside(item, "price");
    const productId = id(price["product_id"]) ?? id(inside(item, "product")["id"]) ?? id(price["id"]);
    if (productId === undefined) return [];
    const productName = label(inside(item, "product")["name"]) ?? label(price["name"]);
    const plan = "billing_cycle" in price ? { plan: planOf(price) } : {};
    return [
      { common: { productId, ...(productName && { productName }), ...plan }, dates: inside(item, "trial_dates") },
    ];
  });
  const byProduct = new Map(items.map((item) => [item.common.productId, item]));
  return byProduct.size > 0 ? [...byProduct.values()] : [{ common: { productId: wholeOrder }, dates: {} }];
}
