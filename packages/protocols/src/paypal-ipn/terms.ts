import { count } from "../values.ts";
import type { Instant, Interval } from "../domain/day.ts";
import type { Plan } from "../domain/fact.ts";
import { type Money, parseCurrency, parseMinor } from "../domain/money.ts";
import { after, parsePeriod } from "./dates.ts";
import type { Form } from "./form.ts";

export type Terms = {
  readonly plan: Plan;
  /** the periods of the trial, each adding its length; none: there is no trial */
  readonly trial: readonly ((from: Instant) => Instant)[];
  /** what is paid first */
  readonly first?: Money;
};

/**
 * What was agreed at signup: `period3` is the regular period, `period1` and `period2` come before it.
 *
 * Free ones are a trial. One that is paid for counts as a rate; is it longer than a regular one, it is a trial as well, since
 * nobody may lose access in the middle of what he paid for. `recur_times` is the number of regular payments: with it the
 * plan is instalments, which are complete without end once all are paid. A seller whose membership is limited to so many
 * months sets the product's plan to subscription.
 * Source: PayPal "IPN and PDT variables", subscription variables
 */
export function termsOf(form: Form): Terms {
  const regular = parsePeriod(form.get("period3"));
  const currency = parseCurrency(form.get("mc_currency"));
  const price = (n: number): bigint | undefined =>
    currency && parseMinor((form.get(`mc_amount${n}`) ?? form.get(`amount${n}`))?.trim(), currency);
  const before = [1, 2].flatMap((n) => {
    const length = parsePeriod(form.get(`period${n}`));
    return length ? [{ length, price: price(n) ?? 0n }] : [];
  });
  const paid = before.filter((period) => period.price > 0n);
  const last = before.findIndex(({ length, price }) => price > 0n && !(regular && days(length) > days(regular)));
  const trial = (last === -1 ? before : before.slice(0, last)).map(
    ({ length }) =>
      (from: Instant) =>
        after(from, length),
  );
  const each = price(3);
  const first = paid[0]?.price ?? each;
  const times = form.get("recurring")?.trim() === "0" ? undefined : count(form.get("recur_times")) || undefined;
  const agreed = times && each !== undefined ? paid.reduce((sum, { price }) => sum + price, each * BigInt(times)) : 0n;
  const interval = regular && { interval: regular };
  return {
    plan: times
      ? {
          kind: "instalments",
          ...interval,
          total: times + paid.length,
          ...(currency && agreed > 0n && agreed <= mostMinor && { agreed: { minor: agreed, currency } }),
        }
      : { kind: "subscription", ...interval },
    trial,
    ...(currency && first !== undefined && { first: { minor: first, currency } }),
  };
}

function days({ unit, count }: Interval): number {
  return count * { day: 1, week: 7, month: 30, year: 365 }[unit];
}

/** PostgreSQL's bigint. */
const mostMinor = 9_223_372_036_854_775_807n;
