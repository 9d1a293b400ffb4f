import { id, type Unreadable, word } from "../values.ts";
import type { Fact } from "../domain/fact.ts";
import { identityOf } from "../identity.ts";
import { replied } from "./ask.ts";
import {
  givenBack,
  happened,
  instantOf,
  type Message,
  productOf,
  type Says,
  subscriptionAlias,
  totalOf,
} from "./message.ts";
import { orderPayment, orderRefund } from "./order.ts";

/**
 * What an invoice of a subscription says; all `subscription_payment_*` are invoices. They name neither order nor
 * product: the subscription does, if it was asked for; otherwise the order is known by the subscription alone, and the
 * money is said of the order as a whole.
 * The first invoice (`billing_reason` `initial`) is the money of the order, told twice.
 */
export function invoiceSays(message: Message): Says | Unreadable {
  const subscription = id(message.attributes["subscription_id"]);
  const asked = replied(message.known, "subscriptions", subscription);
  const order = id(asked?.["order_id"]);
  const facts = factsOf(message, { order, ...productOf(asked), next: instantOf(asked?.["renews_at"]) });
  if ("ok" in facts) return facts;
  return {
    ...(order && { orderId: order }),
    ...(subscription && { aliases: [subscriptionAlias(subscription)] }),
    facts,
  };
}

type Subscription = Pick<Fact, "productId" | "productName"> & {
  readonly order: string | undefined;
  readonly next: number | undefined;
};

function factsOf(message: Message, subscription: Subscription): readonly Fact[] | Unreadable {
  switch (message.event) {
    case "subscription_payment_success":
    case "subscription_payment_recovered":
      return paid(message, subscription);
    case "subscription_payment_failed":
      return failed(message, subscription);
    case "subscription_payment_refunded":
      return refunded(message, subscription);
    default:
      return [];
  }
}

function paid(message: Message, { order, next, ...product }: Subscription): readonly Fact[] | Unreadable {
  const first = isFirst(message);
  if (first && order === undefined) return [];
  const amount = totalOf(message);
  if ("ok" in amount) return amount;
  if (first && amount.minor === 0n) return [];
  const happenedAt = happened(message, "created_at");
  // Asked too late, a subscription tells a due date that lies behind.
  const due = next !== undefined && next > (happenedAt.happenedAt ?? 0) ? { next: { at: next } } : {};
  const own =
    first && order !== undefined
      ? orderPayment(order)
      : { transactionId: message.id, identity: identityOf("payment", ["subscription-invoices", message.id]) };
  return [{ kind: "payment", amount, ...own, ...due, ...product, plan: { kind: "subscription" }, ...happenedAt }];
}

function failed(message: Message, { productId, productName }: Subscription): readonly Fact[] {
  return [
    {
      kind: "payment_failed",
      transactionId: message.id,
      identity: identityOf("payment_failed", ["subscription-invoices", message.id]),
      productId,
      ...(productName && { productName }),
      plan: { kind: "subscription" },
      ...happened(message, "created_at"),
    },
  ];
}

function refunded(message: Message, { order, productId }: Subscription): readonly Fact[] | Unreadable {
  const first = isFirst(message);
  // Which order it was nobody told; `order_refunded` tells the same money.
  if (first && order === undefined) return [];
  const back = givenBack(message);
  if ("ok" in back) return back;
  const part = back.full ? "full" : "part";
  const own =
    first && order !== undefined
      ? orderRefund(order, back.full)
      : {
          transactionId: `${message.id}:refund:${part}`,
          refunds: message.id,
          identity: identityOf("refund", ["subscription-invoices", message.id, part]),
        };
  return [
    {
      kind: "refund",
      amount: back.amount,
      ...own,
      productId,
      ...happened(message, "refunded_at", "updated_at"),
    },
  ];
}

function isFirst({ attributes }: Message): boolean {
  return word(attributes["billing_reason"]) === "initial";
}
