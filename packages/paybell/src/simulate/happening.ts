import { type Day, type Instant, parseDay } from "@paybell/protocols/domain/day";
import { Temporal } from "temporal-polyfill";
import type { Article, Person } from "./catalogue.ts";
import type { Random } from "./random.ts";

/** One checkout, at whichever provider. */
export type Checkout = {
  readonly orderId: string;
  readonly buyerId: string;
  readonly email: string;
  readonly person: Person;
  readonly at: Instant;
  /** no money moves */
  readonly test: boolean;
};

/** Something that happens to what was bought, in no provider's words. */
export type Happening = {
  readonly kind:
    | "payment"
    | "payment_failed"
    | "refund"
    | "dispute_opened"
    | "dispute_won"
    | "dispute_lost"
    | "trial"
    | "cancelled"
    /** the next payment is due soon; that is no payment */
    | "announced";
  readonly article: Article;
  readonly at: Instant;
  readonly transactionId: string;
  /** of a refund or dispute: the payment's */
  readonly paymentId?: string;
  /** of this transaction; without it the article's price */
  readonly cents?: number;
  /** from 1 */
  readonly rate?: number;
  /** when the next payment is due; null: there is none */
  readonly next?: Day | null;
  readonly cancelledFor?: Day;
  /** added to an order that was there before */
  readonly upsell?: boolean;
};

/** A new buyer's checkout; `test` marks it as providers mark the vendor's own test orders. */
export function checkout(random: Random, person: Person, at: Instant, test: boolean): Checkout {
  const plain = `${person.first}.${person.last}`
    .toLowerCase()
    .normalize("NFD")
    .replace(/[^a-z.]/g, "");
  return {
    orderId: random.text(8, lettersAndDigits),
    buyerId: random.text(16, hexDigits),
    // A buyer nobody has met, so that what is asked about this run speaks of this run.
    email: `${plain}.${random.text(5, "abcdefghjkmnpqrstuvwxyz23456789")}@${person.domain}`,
    person,
    at,
    test,
  };
}

export function newTransactionId(random: Random): string {
  return random.text(16, hexDigits);
}

const hexDigits = "0123456789abcdef";
const lettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** The day in the shop's zone. */
export function dayIn(at: Instant): Day {
  const day = parseDay(inShop(at).toPlainDate().toString());
  if (day === undefined) throw new Error("A day as Temporal prints it has to be one.");
  return day;
}

/** The same clock time some calendar months or days later. */
export function later(at: Instant, span: { readonly months?: number; readonly days?: number }): Instant {
  return inShop(at).add(span).epochMilliseconds;
}

/** That day, at the clock time of `like`: plans are charged at the hour they began. */
export function onDay(day: Day, like: Instant): Instant {
  return Temporal.PlainDate.from(day).toZonedDateTime({
    timeZone: "Europe/Berlin",
    plainTime: inShop(like).toPlainTime(),
  }).epochMilliseconds;
}

export function inShop(at: Instant): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(Math.floor(at)).toZonedDateTimeISO("Europe/Berlin");
}
