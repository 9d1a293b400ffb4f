import { type Interval, parseInstant } from "../domain/day.ts";
import { type Fact, type FactBody, type Plan, wholeOrder } from "../domain/fact.ts";
import { identityOf } from "../identity.ts";
import { count, isObject, type Values, word } from "../values.ts";
import { embeddedList } from "./gather.ts";
import { mollieId } from "./message.ts";
import { type Line, linesOf, moneyOf } from "./products.ts";

/**
 * What a payment in its present state says, with its refunds, its chargebacks and the subscription that charged it.
 * Fetched again later it says the same and what is new, each under the identity it had before.
 * What a buyer starts at a checkout counts once it is paid; what a subscription charges counts whatever becomes of it.
 * @returns undefined where an amount cannot be read
 * Source: Mollie Payments API v2, status, sequenceType
 */
export function paymentFacts(payment: Values, subscription: Values | undefined): readonly Fact[] | undefined {
  const transactionId = mollieId(payment["id"]);
  const lines = linesOf(payment);
  if (transactionId === undefined || !lines) return undefined;
  const plan = planOf(payment, subscription);
  const several = lines.length > 1;
  const common = (line: Line) => ({
    productId: line.productId,
    ...(line.productName && { productName: line.productName }),
    ...(line.quantity !== undefined && { quantity: line.quantity }),
    plan,
  });
  const named = (kind: FactBody["kind"], parts: readonly string[], line: Line) =>
    identityOf(kind, several ? [...parts, line.productId] : parts);
  const own = lines.flatMap((line): Fact[] => {
    const body = bodyOf(payment, transactionId, line);
    return body
      ? [{ ...body, identity: named(body.kind, [transactionId], line), ...common(line), ...happened(timeOf(payment)) }]
      : [];
  });
  const returned = [
    ...(embeddedList(payment, "refunds") ?? []).map((refund) => isObject(refund) && refundFacts(refund, transactionId)),
    ...(embeddedList(payment, "chargebacks") ?? []).map(
      (chargeback) => isObject(chargeback) && chargebackFacts(chargeback, transactionId),
    ),
  ];
  const stopped = lines.flatMap((line): Fact[] => {
    const subscriptionId = mollieId(subscription?.["id"]);
    if (subscriptionId === undefined || word(subscription?.["status"]) !== "canceled") return [];
    // Mollie names no end: what is paid runs on.
    const body = { kind: "cancelled" as const, chosenByVendor: false };
    return [
      {
        ...body,
        identity: named("cancelled", [subscriptionId], line),
        ...common(line),
        ...happened(subscription?.["canceledAt"]),
      },
    ];
  });
  const facts = [...own];
  for (const some of returned) {
    if (!some) return undefined;
    facts.push(...some);
  }
  return [...facts, ...stopped];
}

/** @returns undefined where the amount cannot be read */
export function refundFacts(refund: Values, paymentId: string): readonly Fact[] | undefined {
  const transactionId = mollieId(refund["id"]);
  const amount = moneyOf(refund["amount"]);
  if (transactionId === undefined || !amount) return undefined;
  const given = { identity: identityOf("refund", [transactionId]), productId: wholeOrder };
  switch (word(refund["status"])) {
    // Before that a refund can still be called off; afterwards the bank may send it back.
    case "processing":
    case "refunded":
      return [
        { kind: "refund", transactionId, amount, refunds: paymentId, ...given, ...happened(refund["createdAt"]) },
      ];
    case "failed":
      return [
        {
          kind: "refund_reversed",
          transactionId,
          reverses: transactionId,
          identity: identityOf("refund_reversed", [transactionId]),
          productId: wholeOrder,
        },
      ];
    default:
      return [];
  }
}

/** The bank took the money back; `reversedAt` tells that it came again. @returns undefined where the amount cannot be read */
export function chargebackFacts(chargeback: Values, paymentId: string): readonly Fact[] | undefined {
  const caseId = mollieId(chargeback["id"]);
  const amount = moneyOf(chargeback["amount"]);
  if (caseId === undefined || !amount) return undefined;
  // Under the payment's id, so that it concerns what that payment was for.
  const fact = (kind: "dispute_opened" | "dispute_won", at: unknown): Fact => ({
    kind,
    transactionId: paymentId,
    amount,
    identity: identityOf(kind, [caseId]),
    productId: wholeOrder,
    ...happened(at),
  });
  const opened = fact("dispute_opened", chargeback["createdAt"]);
  return chargeback["reversedAt"] ? [opened, fact("dispute_won", chargeback["reversedAt"])] : [opened];
}

function bodyOf(payment: Values, transactionId: string, { amount }: Line): FactBody | undefined {
  const recurring = word(payment["sequenceType"]) === "recurring";
  switch (word(payment["status"])) {
    case "paid":
      // A first payment of nothing only authorises those to come.
      return amount.minor === 0n && word(payment["sequenceType"]) === "first"
        ? undefined
        : { kind: "payment", transactionId, amount };
    case "pending":
    case "authorized":
      return recurring ? { kind: "payment_pending", transactionId, amount } : undefined;
    case "failed":
    case "expired":
    case "canceled":
      return recurring ? { kind: "payment_failed", transactionId } : undefined;
    default:
      return undefined;
  }
}

/** When the payment came into its state. */
function timeOf(payment: Values): unknown {
  const at = { paid: "paidAt", failed: "failedAt", expired: "expiredAt", canceled: "canceledAt" } as const;
  const status = word(payment["status"]);
  const own = Object.hasOwn(at, status) ? payment[at[status as keyof typeof at]] : undefined;
  return own ?? payment["createdAt"];
}

function happened(value: unknown): { happenedAt?: number } {
  const happenedAt = parseInstant(value, "UTC");
  return happenedAt === undefined ? {} : { happenedAt };
}

/**
 * A subscription with a number of payments is a plan of instalments. Only the subscription knows the interval; when
 * the next payment is due is not taken from it, since it tells that of today and not of this payment.
 */
function planOf(payment: Values, subscription: Values | undefined): Plan {
  if (!["first", "recurring"].includes(word(payment["sequenceType"]))) return { kind: "once" };
  const interval = intervalOf(subscription?.["interval"]);
  const total = count(subscription?.["times"]) || undefined;
  if (!total) return { kind: "subscription", ...(interval && { interval }) };
  return { kind: "instalments", ...(interval && { interval }), total };
}

/** `1 month`, `14 days`. */
function intervalOf(value: unknown): Interval | undefined {
  const match = /^([1-9]\d{0,3}) (day|week|month|year)s?$/.exec(word(value));
  const unit = units.find((known) => known === match?.[2]);
  return match && unit ? { unit, count: Number(match[1]) } : undefined;
}

const units = ["day", "week", "month", "year"] as const;
