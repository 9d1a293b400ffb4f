import { blank, count, label, type Unreadable, unreadable, type Values } from "../values.ts";
import type { Fact, FactBody } from "../domain/fact.ts";
import type { Money } from "../domain/money.ts";
import { identityOf } from "../identity.ts";
import { moneyOf, share, unitsOf } from "./amounts.ts";
import { sessionBuyer } from "./buyer.ts";
import { listIn, refIn, type Said, type StripeEvent } from "./event.ts";
import { namedProduct, type Part, productOf } from "./product.ts";

/**
 * What a checkout says. A one-time payment (mode `payment`) is told here. That of a subscription is told by its invoice,
 * which names products and period: here it only ties the ids together, and the money is counted once.
 *
 * Products are those of the line items, which are asked for with an API key. Without them a sale has one product:
 * `metadata.product_id`, else `metadata.product`, else the id of the payment link, else the text `checkout`. Where such a
 * sale makes an invoice (`invoice_creation`), `invoice.paid` is left to tell of it: it names the products, and two
 * messages that name them differently would be counted twice.
 * @param told the line items, where Stripe was asked for them
 * @returns unreadable_id, unreadable_amount
 * Source: Stripe API, "The Checkout Session object"
 */
export function sessionSays(event: StripeEvent, told: readonly Values[] | undefined): Said | Unreadable {
  const { object: session } = event;
  const kind = kindOf(event);
  if (!kind || session["mode"] === "setup") return { facts: [] };
  const sessionId = refIn(session, "id");
  if (sessionId === undefined) return unreadable("id", "The checkout has no id that can be read.");
  const [subscription, invoice, intent] = ["subscription", "invoice", "payment_intent"].map((name) =>
    refIn(session, name),
  );
  const names = {
    orderId: subscription ?? invoice ?? intent ?? sessionId,
    aliases: [sessionId, subscription, invoice, intent],
    buyer: sessionBuyer(session, event.redacted),
  };
  if (!isSale(session)) return { ...names, facts: [] };
  const inMessage = listIn(session, "line_items");
  const items = inMessage.length > 0 ? inMessage : (told ?? []);
  if (items.length === 0 && invoice !== undefined) return { ...names, facts: [] };
  const amount = moneyOf(session["amount_total"], session["currency"]);
  if (!amount && kind === "payment")
    return unreadable("amount", "The checkout's amount (amount_total, currency) is missing or cannot be read.");

  const transactionId = invoice ?? intent ?? sessionId;
  const parts = partsOf(session, items);
  const shares =
    amount &&
    share(
      amount,
      parts.map(({ weight }) => weight),
    );
  const facts = parts.map(
    (part, n): Fact => ({
      ...bodyOf(kind, transactionId, shares?.[n]),
      identity: identityOf(kind, [transactionId, part.productId]),
      productId: part.productId,
      ...(part.productName !== undefined && { productName: part.productName }),
      ...(part.quantity !== undefined && { quantity: part.quantity }),
      ...(event.createdAt !== undefined && { happenedAt: event.createdAt }),
      plan: { kind: "once" },
    }),
  );
  return { ...names, facts };
}

/** Whether its products have to be asked for. */
export function lacksLineItems(event: StripeEvent): boolean {
  return kindOf(event) !== undefined && isSale(event.object) && listIn(event.object, "line_items").length === 0;
}

type Kind = "payment" | "payment_pending" | "payment_failed";

/** What is not known to be paid is not: new values of `payment_status` may come any day. */
function kindOf({ type, object }: StripeEvent): Kind | undefined {
  switch (type) {
    case "checkout.session.completed": {
      const status = object["payment_status"];
      return status === "paid" || status === "no_payment_required" ? "payment" : "payment_pending";
    }
    case "checkout.session.async_payment_succeeded":
      return "payment";
    case "checkout.session.async_payment_failed":
      return "payment_failed";
    default:
      return undefined;
  }
}

/** Very old versions have no `mode`. */
function isSale(session: Values): boolean {
  return session["mode"] === "payment" || (blank(session["mode"]) && blank(session["subscription"]));
}

function bodyOf(kind: Kind, transactionId: string, amount: Money | undefined): FactBody {
  switch (kind) {
    case "payment":
      if (!amount) throw new Error("amount_missing: A payment has to have an amount.");
      return { kind, transactionId, amount };
    case "payment_pending":
      return { kind, transactionId, ...(amount && { amount }) };
    case "payment_failed":
      return { kind, transactionId };
    default:
      return kind satisfies never;
  }
}

/** Each product once, the money of its lines together. */
function partsOf(session: Values, items: readonly Values[]): readonly Part[] {
  const own = namedProduct(session) ?? refIn(session, "payment_link") ?? "checkout";
  const parts = new Map<string, Part>();
  for (const item of items) {
    const product = productOf(item) ?? { id: own };
    const before = parts.get(product.id);
    const productName = before?.productName ?? product.name ?? label(item["description"]);
    const quantity = (count(item["quantity"]) ?? 0) + (before?.quantity ?? 0);
    const units = unitsOf(item["amount_total"]) ?? 0n;
    parts.set(product.id, {
      productId: product.id,
      ...(productName !== undefined && { productName }),
      ...(quantity > 0 && { quantity }),
      weight: (units > 0n ? units : 0n) + (before?.weight ?? 0n),
    });
  }
  return parts.size > 0 ? [...parts.values()] : [{ productId: own, weight: 0n }];
}
