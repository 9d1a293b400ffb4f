import { id, unreadable, type Unreadable, word } from "../values.ts";
import { parseInstant } from "../domain/day.ts";
import { type Fact, wholeOrder } from "../domain/fact.ts";
import { type Currency, type Money, parseCurrency } from "../domain/money.ts";
import { identityOf } from "../identity.ts";
import type { Message, Says } from "./message.ts";
import { inside, minorOf, objects } from "../objects.ts";
import { replied } from "./replied.ts";

/**
 * What an adjustment says of the transaction it names.
 * - `refund` counts when it is `approved` (most wait for that) and is undone when `reversed`
 * - `chargeback` and the warning before it are one dispute about the transaction, won by their `_reverse`
 * - `credit` and its reverse stay in the customer's balance at Paddle: no money went back
 * A part names lines of the transaction, not products: where Paddle was asked for the transaction, each product gets its
 * own; otherwise it is said of the order as a whole.
 * @returns unreadable_transaction, unreadable_amount, unreadable_currency
 */
export function adjustmentSays(message: Message): Says {
  const { data } = message;
  const transaction = id(data["transaction_id"]);
  if (transaction === undefined)
    return unreadable("transaction", "The field data.transaction_id is missing or cannot be read.");
  const subscription = id(data["subscription_id"]);
  const facts = factsOf(message, transaction);
  return "ok" in facts ? facts : { aliases: [transaction, ...(subscription ? [subscription] : [])], facts };
}

function factsOf(message: Message, transaction: string): readonly Fact[] | Unreadable {
  const status = word(message.data["status"]);
  if (status !== "approved" && status !== "reversed") return [];
  const undone = status === "reversed";
  switch (word(message.data["action"])) {
    case "refund":
      return undone ? refundReversed(message) : refundOf(message, transaction);
    case "chargeback":
    case "chargeback_warning":
      return dispute(message, transaction, undone ? "dispute_won" : "dispute_opened");
    case "chargeback_reverse":
    case "chargeback_warning_reverse":
      return undone ? [] : dispute(message, transaction, "dispute_won");
    default:
      return [];
  }
}

function refundOf(message: Message, transaction: string): readonly Fact[] | Unreadable {
  const parts = partsOf(message, transaction);
  if ("ok" in parts) return parts;
  return parts.map(({ productId, amount }) => ({
    kind: "refund",
    transactionId: message.id,
    amount,
    refunds: transaction,
    identity: identityOf("refund", [message.id, productId]),
    productId,
    ...timeOf(message),
  }));
}

function refundReversed(message: Message): readonly Fact[] {
  const productId = wholeOrder;
  const identity = identityOf("refund_reversed", [message.id, productId]);
  const { id: adjustment } = message;
  return [
    {
      kind: "refund_reversed",
      transactionId: adjustment,
      reverses: adjustment,
      identity,
      productId,
      ...timeOf(message),
    },
  ];
}

/** About the transaction, so that warning, chargeback and reversal are one case; by its amount nothing is divided. */
function dispute(
  message: Message,
  transaction: string,
  kind: "dispute_opened" | "dispute_won",
): readonly Fact[] | Unreadable {
  const whole = wholeOf(message);
  if ("ok" in whole) return whole;
  return [
    {
      kind,
      transactionId: transaction,
      amount: whole,
      identity: identityOf(kind, [message.id]),
      productId: wholeOrder,
      ...timeOf(message),
    },
  ];
}

function timeOf({ data, occurredAt }: Message) {
  const at = parseInstant(data["updated_at"], "UTC") ?? parseInstant(data["created_at"], "UTC") ?? occurredAt;
  return at === undefined ? {} : { happenedAt: at };
}

type Part = { readonly productId: string; readonly amount: Money };

function partsOf(message: Message, transaction: string): readonly Part[] | Unreadable {
  const whole = wholeOf(message);
  if ("ok" in whole) return whole;
  const asked = replied(message.known, transaction);
  if (!asked || word(message.data["type"]) !== "partial") return [{ productId: wholeOrder, amount: whole }];
  const products = new Map(
    objects(inside(asked, "details")["line_items"]).map((line) => [
      line["id"],
      id(inside(line, "product")["id"]) ?? productOfPrice(line["price_id"]),
    ]),
  );
  const byProduct = new Map<string, bigint>();
  for (const item of objects(message.data["items"])) {
    const productId = products.get(item["item_id"]);
    const minor = minorOf(inside(item, "totals")["total"]) ?? minorOf(item["amount"]);
    if (productId === undefined || minor === undefined || minor < 0n) return [{ productId: wholeOrder, amount: whole }];
    byProduct.set(productId, (byProduct.get(productId) ?? 0n) + minor);
  }
  const sum = [...byProduct.values()].reduce((all, minor) => all + minor, 0n);
  // What does not add up to the whole is not taken apart.
  if (sum !== whole.minor) return [{ productId: wholeOrder, amount: whole }];
  return [...byProduct].map(([productId, minor]) => ({ productId, amount: { minor, currency: whole.currency } }));

  function productOfPrice(price: unknown): string | undefined {
    const item = objects(asked?.["items"]).find((one) => inside(one, "price")["id"] === price);
    return id(inside(item, "price")["product_id"]) ?? id(price);
  }
}

function wholeOf({ data }: Message): Money | Unreadable {
  const totals = inside(data, "totals");
  const currency: Currency | undefined = parseCurrency(data["currency_code"]) ?? parseCurrency(totals["currency_code"]);
  if (!currency) return unreadable("currency", "The currency (data.currency_code) is missing or unknown.");
  const minor = minorOf(totals["total"]) ?? sumOf(data["items"]);
  if (minor === undefined || minor < 0n)
    return unreadable("amount", "The amount (data.totals.total) is missing or is no whole number.");
  return { minor, currency };
}

function sumOf(items: unknown): bigint | undefined {
  const amounts = objects(items).map((item) => minorOf(inside(item, "totals")["total"]) ?? minorOf(item["amount"]));
  if (amounts.length === 0) return undefined;
  return amounts.reduce((sum, one) => (sum === undefined || one === undefined ? undefined : sum + one), 0n);
}
