import { id, isObject, type Values } from "../values.ts";
import type { Message } from "./message.ts";

/** The ids by which a message speaks of an order and of its money. */
export type Ids = {
  readonly order?: string;
  readonly payment?: string;
  readonly refund?: string;
  readonly dispute?: string;
  readonly chargeback?: string;
  readonly subscription?: string;
  /** all of them but the order's first one, as `<kind>:<id>`, the way COPE writes its subjects */
  readonly aliases: readonly string[];
};

/**
 * Where COPE writes an id differs between its pages, its sample and what was seen, so each is looked for in all those
 * places. Subjects come first for what they are documented for: a reversal knows its refund by nothing else.
 * Source: docs.cope.com, webhooks: `order.uuid`, `dispute.dispute_uuid`, `dispute.original_payment_uuid`, `subject`
 */
export function idsOf(message: Message): Ids {
  const { payload, subject, event, keys } = message;
  const about = (kind: string) => (subject?.kind === kind ? subject.id : undefined);
  const own = (kind: string) => first(objectIn(payload, kind), ["uuid", `${kind}_uuid`, "id", `${kind}_id`]);
  const loose = (kind: string) => first(payload, [`${kind}_uuid`, `${kind}_id`]);
  const key = (start: string) => (event.startsWith(start) ? keys[0] : undefined);

  const orders = distinct([
    ...every(objectIn(payload, "order"), ["uuid", "order_uuid", "id", "order_id"]),
    ...every(payload, ["order_uuid", "order_id"]),
    about("order"),
  ]);
  const order = orders[0];
  const original = ["dispute", "refund", "chargeback"].map((kind) =>
    first(objectIn(payload, kind), ["original_payment_uuid", "payment_uuid", "payment_id"]),
  );
  const saleKey = key("payment.sale.");
  const payment =
    original.find((found) => found !== undefined) ??
    first(payload, ["original_payment_uuid"]) ??
    own("payment") ??
    loose("payment") ??
    about("payment") ??
    (saleKey !== undefined && orders.includes(saleKey) ? undefined : saleKey);
  const refund = about("refund") ?? own("refund") ?? loose("refund") ?? key("payment.refund.");
  const dispute = about("dispute") ?? own("dispute") ?? loose("dispute") ?? key("payment.dispute.");
  const chargeback = about("chargeback") ?? own("chargeback") ?? loose("chargeback") ?? key("payment.chargeback.");
  const subscription = about("subscription") ?? own("subscription") ?? loose("subscription");

  const kinds = { payment, refund, dispute, chargeback, subscription };
  const named = Object.entries(kinds).flatMap(([kind, value]) => (value === undefined ? [] : [`${kind}:${value}`]));
  const others = lineSubscriptions(payload).map((value) => `subscription:${value}`);
  return {
    ...(order !== undefined && { order }),
    ...(payment !== undefined && { payment }),
    ...(refund !== undefined && { refund }),
    ...(dispute !== undefined && { dispute }),
    ...(chargeback !== undefined && { chargeback }),
    ...(subscription !== undefined && { subscription }),
    aliases: distinct([...orders.slice(1), ...named, ...others]),
  };
}

/** The subscription one line of an order started, where the line names it. */
export function lineSubscription(line: Values): string | undefined {
  return (
    first(objectIn(line, "subscription"), ["uuid", "subscription_uuid", "id"]) ??
    first(line, ["subscription_uuid", "subscription_id"])
  );
}

export function objectIn(values: Values, name: string): Values {
  const value = values[name];
  return isObject(value) ? value : {};
}

/** The first of these fields that holds an id. */
export function first(values: Values, names: readonly string[]): string | undefined {
  return every(values, names)[0];
}

function every(values: Values, names: readonly string[]): string[] {
  return names.flatMap((name) => id(values[name]) ?? []);
}

function lineSubscriptions(payload: Values): string[] {
  const lines = payload["line_items"];
  return Array.isArray(lines) ? lines.flatMap((line) => (isObject(line) ? (lineSubscription(line) ?? []) : [])) : [];
}

function distinct(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values)].filter((value) => value !== undefined);
}
