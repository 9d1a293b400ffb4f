import { type Unreadable, type Values, word } from "../values.ts";
import type { Interval } from "../domain/day.ts";
import type { Fact, Plan } from "../domain/fact.ts";
import { identityOf } from "../identity.ts";
import { inside, minorOf } from "../objects.ts";
import { replied } from "./ask.ts";
import { givenBack, happened, type Message, productOf, type Says, totalOf } from "./message.ts";

/**
 * What an order says. Its money is booked on its first item: others are not in the message.
 * - an order over 0 is a sale where a discount or the price makes it one; otherwise it is the start of a trial, which
 *   the subscription tells
 * - whether it is a subscription the order does not tell: the price does, if it was asked for, otherwise the subscription
 */
export function orderSays(message: Message): Says | Unreadable {
  const facts = factsOf(message);
  return "ok" in facts ? facts : { orderId: message.id, facts };
}

/** The payment of an order, told by the order and by the first invoice of its subscription. */
export function orderPayment(order: string): { readonly transactionId: string; readonly identity: string } {
  return { transactionId: order, identity: identityOf("payment", ["orders", order]) };
}

/** The refund of it, told by the same two. */
export function orderRefund(order: string, full: boolean) {
  const part = full ? "full" : "part";
  return {
    transactionId: `${order}:refund:${part}`,
    refunds: order,
    identity: identityOf("refund", ["orders", order, part]),
  };
}

function factsOf(message: Message): readonly Fact[] | Unreadable {
  if (message.event === "order_created") return createdFacts(message);
  if (message.event !== "order_refunded") return [];
  const back = givenBack(message);
  if ("ok" in back) return back;
  return [
    {
      kind: "refund",
      amount: back.amount,
      ...orderRefund(message.id, back.full),
      ...productOf(inside(message.attributes, "first_order_item")),
      ...happened(message, "refunded_at", "updated_at"),
    },
  ];
}

function createdFacts(message: Message): readonly Fact[] | Unreadable {
  const { attributes, id, known } = message;
  const item = inside(attributes, "first_order_item");
  const price = replied(known, "prices", item["price_id"]);
  const plan = price && planOf(price);
  const quantity = minorOf(item["quantity"]);
  const common = {
    ...productOf(item),
    ...(plan && { plan }),
    ...(quantity !== undefined && quantity > 0n && quantity < 1_000_000_000n && { quantity: Number(quantity) }),
    ...happened(message, "created_at"),
  };
  const status = word(attributes["status"]);
  if (status === "failed")
    return [
      { kind: "payment_failed", transactionId: id, identity: identityOf("payment_failed", ["orders", id]), ...common },
    ];
  if (status !== "paid" && status !== "pending" && status !== "refunded" && status !== "partial_refund") return [];
  const amount = totalOf(message);
  if ("ok" in amount) return amount;
  if (status === "pending") {
    const identity = identityOf("payment_pending", ["orders", id]);
    return [{ kind: "payment_pending", transactionId: id, amount, identity, ...common }];
  }
  if (amount.minor === 0n && !soldForNothing(attributes, price)) return [];
  return [{ kind: "payment", amount, ...orderPayment(id), ...common }];
}

function soldForNothing(attributes: Values, price: Values | undefined): boolean {
  if (price) return word(price["category"]) !== "subscription" || price["trial_interval_unit"] == null;
  return (minorOf(attributes["discount_total"]) ?? 0n) > 0n;
}

function planOf(price: Values): Plan {
  if (word(price["category"]) !== "subscription") return { kind: "once" };
  const interval = intervalOf(word(price["renewal_interval_unit"]), minorOf(price["renewal_interval_quantity"]));
  return { kind: "subscription", ...(interval && { interval }) };
}

function intervalOf(unit: string, quantity: bigint | undefined): Interval | undefined {
  if (unit !== "day" && unit !== "week" && unit !== "month" && unit !== "year") return undefined;
  return quantity !== undefined && quantity > 0n && quantity <= 1000n ? { unit, count: Number(quantity) } : undefined;
}
