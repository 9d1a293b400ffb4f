import { email, id, word } from "../values.ts";
import type { Instant, Interval } from "../domain/day.ts";
import type { Fact, Plan } from "../domain/fact.ts";
import { identityOf } from "../identity.ts";
import { inside } from "../objects.ts";
import { happened, instantOf, type Message, productOf, type Says, subscriptionAlias } from "./message.ts";

/**
 * What a subscription says; money is told by orders and invoices.
 * - `subscription_created` tells that the order is a subscription, and how often it is charged
 * - `subscription_updated` comes with every change beside the change's own message: it tells how often is charged once
 *   a trial is over, and nothing else
 * - a pause in which nothing is given (`void`) stops the plan at the end of what was paid; `free` gives on
 */
export function subscriptionSays(message: Message): Says {
  const { attributes } = message;
  const orderId = id(attributes["order_id"]);
  return { ...(orderId && { orderId }), aliases: [subscriptionAlias(message.id)], facts: factsOf(message) };
}

function factsOf(message: Message): readonly Fact[] {
  const { attributes, event } = message;
  switch (event) {
    case "subscription_created":
    case "subscription_updated":
      return word(attributes["status"]) === "on_trial" ? trial(message) : planTold(message);
    case "subscription_cancelled":
    case "subscription_expired":
      return [stopped(message, instantOf(attributes["ends_at"]))];
    case "subscription_paused":
      return word(inside(attributes, "pause")["mode"]) === "free" ? [] : [stopped(message, undefined)];
    case "subscription_resumed":
    case "subscription_unpaused":
      return [resumed(message)];
    default:
      return [];
  }
}

function trial(message: Message): readonly Fact[] {
  const end = instantOf(message.attributes["trial_ends_at"]);
  if (end === undefined) return [];
  const identity = identityOf("trial", ["subscriptions", message.id, textOf(end)]);
  return [{ kind: "trial", to: { at: end }, identity, ...commonOf(message), ...happened(message, "created_at") }];
}

/** Whose subscription it is; what matters is the plan this fact carries, since neither order nor invoice tells it. */
function planTold(message: Message): readonly Fact[] {
  const { attributes, event } = message;
  const created = event === "subscription_created";
  const begin = instantOf(attributes["trial_ends_at"]) ?? (created ? instantOf(attributes["created_at"]) : undefined);
  const interval = intervalFrom(begin, instantOf(attributes["renews_at"]));
  if (!interval && !created) return [];
  const rhythm = interval ? `${interval.count} ${interval.unit}` : "";
  return [
    {
      kind: "contact_changed",
      email: email(attributes["user_email"]) ?? "",
      identity: identityOf("contact_changed", ["subscriptions", message.id, rhythm]),
      ...commonOf(message),
      plan: { kind: "subscription", ...(interval && { interval }) },
      ...happened(message, created ? "created_at" : "updated_at"),
    },
  ];
}

/** The message names the next renewal alone. A rhythm that nobody sells is not one: the first renewal is long past. */
function intervalFrom(begin: Instant | undefined, end: Instant | undefined): Interval | undefined {
  if (begin === undefined || end === undefined) return undefined;
  return rhythms.find(({ interval, slackDays }) => Math.abs(end - after(begin, interval)) <= slackDays * 86_400_000)
    ?.interval;
}

/** Slack for short months and changes of the clock. */
const rhythms: readonly { readonly interval: Interval; readonly slackDays: number }[] = [
  { interval: { unit: "day", count: 1 }, slackDays: 0.1 },
  { interval: { unit: "week", count: 1 }, slackDays: 0.5 },
  { interval: { unit: "month", count: 1 }, slackDays: 3.5 },
  { interval: { unit: "month", count: 3 }, slackDays: 3.5 },
  { interval: { unit: "month", count: 6 }, slackDays: 3.5 },
  { interval: { unit: "year", count: 1 }, slackDays: 3.5 },
];

function after(begin: Instant, { unit, count }: Interval): Instant {
  const date = new Date(begin);
  if (unit === "day" || unit === "week") return begin + count * (unit === "week" ? 7 : 1) * 86_400_000;
  date.setUTCMonth(date.getUTCMonth() + count * (unit === "year" ? 12 : 1));
  return date.getTime();
}

function stopped(message: Message, at: Instant | undefined): Fact {
  const { attributes, event, id: subscription } = message;
  // Cancelled, resumed and cancelled again within a period are two cancellations for one day.
  const parts = [
    "subscriptions",
    subscription,
    at === undefined ? event : textOf(at),
    timeOf(attributes["updated_at"]),
  ];
  return {
    kind: "cancelled",
    ...(at !== undefined && { for: { at } }),
    chosenByVendor: false,
    identity: identityOf("cancelled", parts),
    ...commonOf(message),
    ...happened(message, "updated_at"),
  };
}

function resumed(message: Message): Fact {
  return {
    kind: "resumed",
    identity: identityOf("resumed", ["subscriptions", message.id, timeOf(message.attributes["updated_at"])]),
    ...commonOf(message),
    ...happened(message, "updated_at"),
  };
}

/** Identities are short and storable, whatever the message holds. */
function timeOf(value: unknown): string {
  const at = instantOf(value);
  return at === undefined ? "" : textOf(at);
}

function textOf(at: Instant): string {
  return new Date(at).toISOString();
}

function commonOf({ attributes }: Message) {
  const plan: Plan = { kind: "subscription" };
  return { ...productOf(attributes), plan };
}
