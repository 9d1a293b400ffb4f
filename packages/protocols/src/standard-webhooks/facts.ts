import { unreadable, type Unreadable, type Values } from "../values.ts";
import type { When } from "../domain/day.ts";
import { type Fact, type FactBody, type Plan, wholeOrder } from "../domain/fact.ts";
import type { Money } from "../domain/money.ts";
import { identityOf } from "../identity.ts";
import type { EventMapping } from "./mapping.ts";
import { type Line, linesOf, planOf, type Reader, readerOf } from "./told.ts";

/**
 * What one mapped event says, a fact for each of its products.
 * @param about what names the order
 * @returns unreadable_transaction, unreadable_product, unreadable_amount, unreadable_currency, unreadable_trial_end
 */
export function factsOf(values: Values, mapping: EventMapping, about: string): readonly Fact[] | Unreadable {
  const { kind } = mapping;
  const read = linesOf(values, mapping);
  if ("ok" in read) return read;
  const lines = itemsOf(read, mapping);
  if ("ok" in lines) return lines;
  const reader = readerOf(values, mapping);
  const happenedAt = reader.instant("happenedAt");
  const plan = planOf(values, mapping);
  const facts: Fact[] = [];
  for (const line of lines) {
    const body = bodyOf(kind, reader, line, about);
    if ("ok" in body) return body;
    const time = happenedAt === undefined ? "" : new Date(happenedAt).toISOString();
    facts.push({
      ...body,
      identity: identityOf(kind, identifying(body, about, line.productId, time)),
      ...commonOf(line, plan),
      ...(happenedAt !== undefined && { happenedAt }),
    });
  }
  return facts;
}

type Item = Line & { readonly productId: string };

/** One for every product. What names none speaks of the whole order, except for a payment. */
function itemsOf(lines: readonly Line[], { kind }: EventMapping): readonly Item[] | Unreadable {
  const named = lines.filter((line): line is Item => line.productId !== undefined);
  if (kind === "payment" && (named.length === 0 || named.length < lines.length))
    return unreadable("product", "The payment does not name what was paid for (fields.product).");
  if (named.length === 0 || named.length < lines.length) {
    const amount = sumOf(lines);
    return [{ productId: wholeOrder, ...(amount && { amount }) }];
  }
  const byProduct = new Map<string, Item>();
  for (const line of named) {
    const same = byProduct.get(line.productId);
    byProduct.set(line.productId, same ? joined(same, line) : line);
  }
  return [...byProduct.values()];
}

function joined(one: Item, other: Item): Item {
  const amount = sumOf([one, other]);
  const quantity = (one.quantity ?? 1) + (other.quantity ?? 1);
  return { ...one, quantity, ...(amount && { amount }) };
}

function sumOf(lines: readonly Line[]): Money | undefined {
  const amounts = lines.flatMap(({ amount }) => amount ?? []);
  const first = amounts[0];
  if (!first || amounts.length < lines.length) return undefined;
  return { minor: amounts.reduce((sum, { minor }) => sum + minor, 0n), currency: first.currency };
}

function bodyOf(kind: EventMapping["kind"], reader: Reader, { amount }: Item, about: string): FactBody | Unreadable {
  const number = reader.count("rate");
  const rate = number ? { rate: number } : {};
  const next = reader.when("next");
  const until: When | undefined = reader.when("until");
  const given = reader.text("transactionId");
  const parent = reader.text("refunds");
  switch (kind) {
    case "payment":
      if (given === undefined) return noTransaction;
      return amount ? { kind, transactionId: given, amount, ...rate, ...(next && { next }) } : noAmount;
    case "refund":
      if (given === undefined) return noTransaction;
      return amount ? { kind, transactionId: given, amount, ...(parent && { refunds: parent }), ...rate } : noAmount;
    case "refund_reversed": {
      const reverses = parent ?? given;
      return reverses === undefined ? noTransaction : { kind, transactionId: given ?? reverses, reverses };
    }
    case "payment_pending":
      return { kind, transactionId: given ?? about, ...(amount && { amount }), ...rate };
    case "payment_failed":
      return { kind, transactionId: given ?? about, ...rate };
    case "dispute_opened":
    case "dispute_won":
    case "dispute_lost": {
      const transactionId = given ?? parent;
      return transactionId === undefined ? noTransaction : { kind, transactionId, ...(amount && { amount }), ...rate };
    }
    case "trial": {
      const to = until ?? next;
      return to ? { kind, to } : unreadable("trial_end", "The trial names no readable end (fields.until).");
    }
    case "cancelled":
      return { kind, ...(until && { for: until }), chosenByVendor: false };
    case "resumed":
      return { kind };
    default:
      return kind satisfies never;
  }
}

const noTransaction = unreadable("transaction", "The message does not name its transaction (fields.transactionId).");
const noAmount = unreadable("amount", "The message names no amount (fields.amount).");

/** Money is told apart by its transaction; what may change back and forth, by its time as well. */
function identifying(body: FactBody, about: string, productId: string, time: string): string[] {
  switch (body.kind) {
    case "payment":
    case "refund":
    case "refund_reversed":
      return [body.transactionId, about, productId];
    case "payment_pending":
    case "payment_failed":
      return [
        body.transactionId,
        about,
        productId,
        ...(body.transactionId === about ? [String(body.rate ?? ""), time] : []),
      ];
    case "trial":
      return [about, productId, textOf(body.to)];
    case "cancelled":
      return [about, productId, body.for ? textOf(body.for) : "", time];
    default:
      return ["transactionId" in body ? body.transactionId : "", about, productId, time];
  }
}

function textOf(when: When): string {
  return "day" in when ? when.day : new Date(when.at).toISOString();
}

function commonOf({ productId, productName, quantity }: Item, plan: Plan | undefined) {
  return {
    productId,
    ...(productName && { productName }),
    ...(plan && { plan }),
    ...(quantity !== undefined && { quantity }),
  };
}
