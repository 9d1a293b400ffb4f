import { id, isObject, type Values } from "../values.ts";

export type Ids = {
  /** of the order: the subscription, else the purchase an order bump hangs on, else the purchase itself */
  readonly order?: string;
  /** each renewal and each order bump has its own */
  readonly transaction?: string;
  readonly aliases: readonly string[];
};

/**
 * Hotmart has no id for an order: a renewal is known by its subscriber's code, a bump by the purchase it came with.
 * Source: Hotmart "Webhook 2.0": `purchase.transaction`, `subscription.subscriber.code`, `order_bump`
 */
export function idsOf(payload: Values): Ids {
  const purchase = objectIn(payload, "purchase");
  const transaction = id(purchase["transaction"]);
  const parent = id(objectIn(purchase, "order_bump")["parent_purchase_transaction"]);
  const subscriber =
    id(objectIn(objectIn(payload, "subscription"), "subscriber")["code"]) ??
    id(objectIn(payload, "subscriber")["code"]);
  const [order, ...aliases] = [...new Set([subscriber, parent, transaction])].filter((value) => value !== undefined);
  return {
    ...(order !== undefined && { order }),
    ...(transaction !== undefined && { transaction }),
    aliases,
  };
}

export function objectIn(values: Values, name: string): Values {
  const value = values[name];
  return isObject(value) ? value : {};
}
