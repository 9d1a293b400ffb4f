import type { Day, Instant, Interval, When } from "@paybell/protocols/domain/day";
import {
  addIntervals,
  dayOf,
  endOf,
  intervalBetween,
  intervalsUntil,
  startOfDay,
  whenDay,
} from "../domain/calendar.ts";
import type { Payment } from "./give-back.ts";

/** What one payment of a plan covers. */
export type Period = {
  readonly payment: Payment;
  /** its place in the plan, from 1, no two payments share one */
  readonly position: number;
  readonly from: Instant;
  /** the day (or instant) the next payment is due: covered through the end of it */
  readonly paidThrough: When;
};

/**
 * Each payment covers one period, counted from its due date, not from the day it was made or arrived.
 * The provider's own due date wins over our arithmetic. Calendar months keep their anchor day.
 * @param trialEnd the first paid period starts there
 * @param cancelledFor a payment made after such a day begins the cycle anew
 * Source: docs/rules.md, R6
 */
export function periodsOf(
  payments: readonly Payment[],
  givenBack: ReadonlySet<string>,
  known: Interval | undefined,
  trialEnd: When | undefined,
  zone: string,
  cancelledFor: readonly When[] = [],
): Period[] {
  const placed = place(payments, givenBack);
  const first = placed[0];
  if (!first) return [];
  const madeOn = (payment: Payment) => dayOf(payment.happenedAt, zone);
  let begun = first.position;
  let anchor = first.position === 1 && trialEnd ? whenDay(trialEnd, zone) : madeOn(first.payment);
  const interval = known ?? inferred(placed, anchor, zone) ?? { unit: "month", count: 1 };
  const wordOn = new Map<number, When | undefined>();
  for (const { payment, position } of placed) {
    if (payment.next && !(givenBack.has(payment.id) && wordOn.has(position + 1)))
      wordOn.set(position + 1, payment.next);
  }

  return placed.map(({ payment, position }, n) => {
    let word = position === first.position ? (position === 1 ? trialEnd : undefined) : wordOn.get(position);
    const last = placed[n - 1]?.payment.happenedAt ?? payment.happenedAt;
    if (cancelledFor.some((day) => last < endOf(day, zone) && payment.happenedAt >= endOf(day, zone))) {
      [begun, anchor, word] = [position, madeOn(payment), undefined];
    }
    let due: Day = word ? whenDay(word, zone) : addIntervals(anchor, interval, position - begun);
    let paidThrough: When = payment.next ?? { day: following(anchor, interval, due) };
    if (!payment.next && whenDay(paidThrough, zone) <= madeOn(payment)) {
      // A plan that rested and goes on: this payment buys the period it was made in, not one long gone.
      due = addIntervals(anchor, interval, intervalsUntil(anchor, madeOn(payment), interval));
      paidThrough = { day: following(anchor, interval, due) };
    }
    const starts = word && "at" in word ? word.at : startOfDay(due, zone);
    return { payment, position, from: Math.min(starts, payment.happenedAt, payment.arrivedAt), paidThrough };
  });
}

/** The anchor's next day after `due`: keeps the 31st over a February. */
function following(anchor: Day, interval: Interval, due: Day): Day {
  if (due < anchor) return addIntervals(due, interval, 1);
  let times = intervalsUntil(anchor, due, interval);
  while (addIntervals(anchor, interval, times) <= due) times++;
  const next = addIntervals(anchor, interval, times);
  // A due date the provider moved off the anchor's rhythm starts a rhythm of its own.
  return addIntervals(anchor, interval, times - 1) === due ? next : addIntervals(due, interval, 1);
}

/**
 * Rate numbers where they are given and free; otherwise the next free place by time. A rate charged again
 * after it was given back takes the same place.
 */
function place(payments: readonly Payment[], givenBack: ReadonlySet<string>): { payment: Payment; position: number }[] {
  const stands = (payment: Payment) => !givenBack.has(payment.id);
  const standing = new Set<number>();
  const placed: { payment: Payment; position: number }[] = [];
  const rest: Payment[] = [];
  for (const payment of payments) {
    if (payment.rate === undefined || (stands(payment) && standing.has(payment.rate))) {
      rest.push(payment);
      continue;
    }
    if (stands(payment)) standing.add(payment.rate);
    placed.push({ payment, position: payment.rate });
  }
  const taken = new Set(placed.map(({ position }) => position));
  for (const payment of rest) {
    const before = placed.filter((other) => other.payment.happenedAt <= payment.happenedAt);
    let position = Math.max(0, ...before.map((other) => other.position)) + 1;
    while (taken.has(position)) position++;
    taken.add(position);
    placed.push({ payment, position });
  }
  return placed.toSorted((a, b) => a.position - b.position || Number(stands(a.payment)) - Number(stands(b.payment)));
}

/** From the provider's own due dates, where the messages name no interval. */
function inferred(
  placed: readonly { payment: Payment; position: number }[],
  anchor: Day,
  zone: string,
): Interval | undefined {
  let due: Day | undefined = anchor;
  for (const { payment } of placed) {
    const next: Day | undefined = payment.next && whenDay(payment.next, zone);
    if (next && due) {
      const interval = intervalBetween(due, next);
      if (interval) return interval;
    }
    due = next;
  }
  return undefined;
}
