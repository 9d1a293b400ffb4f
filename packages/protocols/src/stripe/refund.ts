import { type Unreadable, unreadable, type Values } from "../values.ts";
import type { Instant } from "../domain/day.ts";
import { type Fact, wholeOrder } from "../domain/fact.ts";
import { identityOf } from "../identity.ts";
import { moneyOf, unitsOf } from "./amounts.ts";
import { type Origin, originOf } from "./charge.ts";
import { instantOf, listIn, refIn, type Said, stamp, type StripeEvent } from "./event.ts";

/**
 * What `refund.*` and `charge.refunded` say. Stripe tells one refund by both, and whoever listens to one alone misses
 * nothing. Since 2022-11-15 `charge.refunded` has no refund's id, so one that both know identifies it: the charge, the
 * amount and the day (UTC). Two refunds of one charge over the same amount on the same day count as one, then; a refund
 * told by both in the seconds around midnight counts twice. Messages that list the refunds tell the first apart.
 *
 * A refund counts from its creation, `pending` too, as Stripe itself reckons; one that failed is taken back.
 * @returns unreadable_id, unreadable_amount
 * Source: Stripe API, "The Refund object", "The Charge object"
 */
export function refundSays(event: StripeEvent, told: readonly Values[] | undefined): Said | Unreadable {
  const origin = originOf(event, told);
  const said = event.type === "charge.refunded" ? refundedFacts(event, origin) : oneRefund(event.object, event, origin);
  return "ok" in said ? said : { aliases: said.length > 0 ? origin.aliases : [], facts: said };
}

/** A charge of which something went back; `amount_refunded` is all that ever did. */
function refundedFacts(event: StripeEvent, origin: Origin): readonly Fact[] | Unreadable {
  const { object: charge, previous, createdAt } = event;
  const listed = listIn(charge, "refunds");
  if (listed.length > 0) return listedFacts(listed, event, origin);
  const all = unitsOf(charge["amount_refunded"]);
  const before = unitsOf(previous["amount_refunded"]) ?? 0n;
  if (all === undefined)
    return unreadable("amount", "What was refunded of the charge (amount_refunded) is missing or cannot be read.");
  if (all <= before) return [];
  const refund: Values = { charge: charge["id"], amount: Number(all - before), currency: charge["currency"] };
  return refundFacts(refund, createdAt, origin);
}

function listedFacts(
  listed: readonly Values[],
  { object: charge, createdAt }: StripeEvent,
  origin: Origin,
): readonly Fact[] | Unreadable {
  const facts: Fact[] = [];
  const seen = new Map<string, number>();
  const ordered = listed.toSorted((a, b) => Number(a["created"]) - Number(b["created"]));
  for (const refund of ordered.filter((one) => standing(one) === "refunded")) {
    const found = refundFacts(
      { currency: charge["currency"], ...refund, charge: charge["id"] },
      instantOf(refund["created"]) ?? createdAt,
      origin,
      (key) => {
        const times = (seen.get(key) ?? 0) + 1;
        seen.set(key, times);
        return times === 1 ? key : `${key}-${times}`;
      },
    );
    if ("ok" in found) return found;
    facts.push(...found);
  }
  return facts;
}

function oneRefund(refund: Values, event: StripeEvent, origin: Origin): readonly Fact[] | Unreadable {
  const at = instantOf(refund["created"]) ?? event.createdAt;
  const now = event.type === "refund.failed" ? "failed" : standing(refund);
  if (now === "waiting") return [];
  if (now === "refunded") return refundFacts(refund, at, origin);
  const key = keyOf(refund, at);
  if (key === undefined) return unnamed();
  return [
    {
      kind: "refund_reversed",
      transactionId: key,
      reverses: key,
      identity: identityOf("refund_reversed", [key, stamp(event.createdAt)]),
      productId: wholeOrder,
      ...(event.createdAt !== undefined && { happenedAt: event.createdAt }),
    },
  ];
}

/** `requires_action`: the buyer has yet to say where the money shall go, and nothing has moved. */
function standing({ status }: Values): "refunded" | "failed" | "waiting" {
  if (status === "failed" || status === "canceled") return "failed";
  return status === "requires_action" ? "waiting" : "refunded";
}

function refundFacts(
  refund: Values,
  at: Instant | undefined,
  origin: Origin,
  tellApart: (key: string) => string = (key) => key,
): readonly Fact[] | Unreadable {
  const amount = moneyOf(refund["amount"], refund["currency"]);
  if (!amount) return unreadable("amount", "The refund's amount (amount, currency) is missing or cannot be read.");
  const own = keyOf(refund, at);
  if (own === undefined) return unnamed();
  const key = tellApart(own);
  return [
    {
      kind: "refund",
      transactionId: key,
      amount,
      ...(origin.payment !== undefined && { refunds: origin.payment }),
      identity: identityOf("refund", [key]),
      productId: wholeOrder,
      ...(at !== undefined && { happenedAt: at }),
    },
  ];
}

/** What both messages know of one refund, such as `ch_3T1-1900-2026-03-02`. */
function keyOf(refund: Values, at: Instant | undefined): string | undefined {
  const of = refIn(refund, "charge") ?? refIn(refund, "payment_intent");
  return of === undefined ? undefined : [of, unitsOf(refund["amount"]) ?? "", stamp(at).slice(0, 10)].join("-");
}

function unnamed(): Unreadable {
  return unreadable("id", "The refund names neither a charge nor a payment intent.");
}
