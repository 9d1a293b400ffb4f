import { type Unreadable, unreadable, type Values } from "../values.ts";
import type { Instant } from "../domain/day.ts";
import type { Fact, FactBody } from "../domain/fact.ts";
import type { Money } from "../domain/money.ts";
import { identityOf } from "../identity.ts";
import { moneyOf, share, unitsOf } from "./amounts.ts";
import { invoiceBuyer } from "./buyer.ts";
import { instantOf, listIn, objectIn, refIn, type Said, stamp, type StripeEvent } from "./event.ts";
import { type Share, sharesOf, subscriptionOf } from "./lines.ts";
import { namedProduct } from "./product.ts";

/**
 * What an invoice says: the payments of a subscription, and sales that are invoiced. `invoice.payment_succeeded` says the
 * same as `invoice.paid` and makes the same facts.
 *
 * The transaction is the invoice: since basil it names neither payment intent nor charge. Its money is shared among its
 * products in proportion to what each line cost with discount and tax. Lines without a product have that of their own
 * metadata (`product_id`, else `product`), then of the invoice's, then of the subscription's, else the text `invoice`.
 * @returns unreadable_id, unreadable_amount
 * Source: Stripe API, "The Invoice object"
 */
export function invoiceSays(event: StripeEvent): Said | Unreadable {
  const { object: invoice, type } = event;
  const invoiceId = refIn(invoice, "id");
  const subscription = subscriptionOf(invoice);
  const kind = kindOf(type);
  if (!kind) return { orderId: subscription ?? invoiceId, facts: [] };
  if (invoiceId === undefined) return unreadable("id", "The invoice has no id that can be read.");

  const details = detailsOf(invoice);
  const names = {
    orderId: subscription ?? invoiceId,
    aliases: [invoiceId, refIn(invoice, "payment_intent"), refIn(invoice, "charge"), ...paidWith(invoice)],
    buyer: invoiceBuyer(
      invoice,
      { ...objectIn(invoice, "metadata"), ...objectIn(details, "metadata") },
      event.redacted,
    ),
  };
  const transitions = objectIn(invoice, "status_transitions");
  const happenedAt = (kind === "payment" ? instantOf(transitions["paid_at"]) : undefined) ?? event.createdAt;
  const own = namedProduct(invoice) ?? namedProduct(details) ?? "invoice";
  const shares = sharesOf(invoice, own, happenedAt);
  const common = { invoiceId, subscription, happenedAt };
  if (kind === "payment_failed") {
    const attempt = String(unitsOf(invoice["attempt_count"]) ?? stamp(happenedAt));
    const failed = shares.length > 0 ? shares : [alone(own, subscription)];
    return { ...names, facts: failed.map((one) => fact({ kind, transactionId: invoiceId }, one, common, [attempt])) };
  }

  const amount = moneyOf(paidOf(invoice), invoice["currency"]);
  if (!amount)
    return unreadable("amount", "The invoice's amount (amount_paid, currency) is missing or cannot be read.");
  const trials = shares.filter((one) => one.trial && one.weight === 0n);
  const sold = shares.filter((one) => !trials.includes(one));
  const paid = sold.length === 0 && amount.minor > 0n ? [alone(own, subscription)] : sold;
  const parts = share(
    amount,
    paid.map(({ weight }) => weight),
  );
  return {
    ...names,
    facts: [
      ...trials.map((one) => trialFact(one, common)),
      ...paid.map((one, n) => fact(paymentBody(invoiceId, one, parts[n]!), one, common, [])),
    ],
  };
}

function kindOf(type: string): "payment" | "payment_failed" | undefined {
  switch (type) {
    case "invoice.paid":
    case "invoice.payment_succeeded":
      return "payment";
    case "invoice.payment_failed":
      return "payment_failed";
    default:
      return undefined;
  }
}

function detailsOf(invoice: Values): Values {
  const since = objectIn(objectIn(invoice, "parent"), "subscription_details");
  return { ...objectIn(invoice, "subscription_details"), ...since };
}

/** `payments` is there only where somebody had it expanded. */
function paidWith(invoice: Values): (string | undefined)[] {
  return listIn(invoice, "payments").flatMap((entry) => {
    const payment = objectIn(entry, "payment");
    return [refIn(payment, "payment_intent"), refIn(payment, "charge")];
  });
}

/** What was settled outside of Stripe counts as well: then nothing was paid, and nothing is due any more. */
function paidOf(invoice: Values): unknown {
  const paid = invoice["amount_paid"];
  const due = unitsOf(invoice["amount_due"]) ?? 0n;
  return (paid === 0 || paid === undefined || paid === null) && due > 0n ? invoice["amount_due"] : paid;
}

function alone(productId: string, subscription: string | undefined): Share {
  return { productId, weight: 0n, recurring: subscription !== undefined };
}

function paymentBody(transactionId: string, { until }: Share, amount: Money): FactBody {
  return { kind: "payment", transactionId, amount, ...(until !== undefined && { next: { at: until } }) };
}

type Common = {
  readonly invoiceId: string;
  readonly subscription: string | undefined;
  readonly happenedAt: Instant | undefined;
};

function fact(body: FactBody, one: Share, { invoiceId, happenedAt }: Common, more: readonly string[]): Fact {
  return {
    ...body,
    identity: identityOf(body.kind, [invoiceId, one.productId, ...more]),
    productId: one.productId,
    ...(one.productName !== undefined && { productName: one.productName }),
    ...(one.quantity !== undefined && { quantity: one.quantity }),
    ...(happenedAt !== undefined && { happenedAt }),
    plan: one.recurring ? { kind: "subscription", ...(one.interval && { interval: one.interval }) } : { kind: "once" },
  };
}

function trialFact(one: Share, common: Common): Fact {
  const { from, to } = one.trial ?? { from: undefined, to: 0 };
  return {
    ...fact({ kind: "trial", to: { at: to } }, one, { ...common, happenedAt: from }, []),
    identity: trialIdentity(common.subscription ?? common.invoiceId, one.productId, to),
  };
}

/** The subscription tells of the same trial. */
export function trialIdentity(subscription: string, productId: string, to: Instant): string {
  return identityOf("trial", [subscription, productId, stamp(to)]);
}
