import type { Instant } from "@paybell/protocols/domain/day";
import type { Money } from "@paybell/protocols/domain/money";
import type { Standing } from "../access/access.ts";
import type { MailKind } from "../domain/product.ts";
import type { ItemState } from "../ledger/fold.ts";
import type { Step } from "./steps.ts";

/** Something a buyer is to be told, once per item and state change. */
export type Effect = {
  /** names the state change; the item remembers it */
  readonly key: string;
  readonly mail: MailKind;
  readonly at: Instant;
  readonly state: ItemState;
  readonly standing: Standing;
  readonly amount?: Money;
  readonly pausedBecause?: "unpaid" | "dispute";
};

/**
 * What the steps of an item's history ask to be mailed.
 * @param done keys of effects this item already had
 * Source: docs/rules.md, R16
 */
export function effectsOf(steps: readonly Step[], done: ReadonlySet<string>): Effect[] {
  const effects: Effect[] = [];
  const keys = new Set(done);
  const add = (effect: Effect) => {
    if (keys.has(effect.key)) return;
    keys.add(effect.key);
    effects.push(effect);
  };
  const welcomed = () => keys.has("access_data") || keys.has("trial");

  for (const [index, step] of steps.entries()) {
    const { before, after, at } = step;
    const now = { at, state: after.state, standing: after.standing };
    const opened = !before.standing.open && after.standing.open;
    if (opened && !welcomed()) {
      // A welcome that is no longer true when it is found is never sent; the next opening sends it.
      if (steps.at(-1)!.after.standing.open || index === steps.length - 1) {
        add(
          after.standing.word === "trial"
            ? { ...now, key: "trial", mail: "trial" }
            : { ...now, key: "access_data", mail: "access_data" },
        );
      }
      continue;
    }
    if (!welcomed()) continue;
    if (opened) add({ ...now, key: `back:${at}`, mail: "access_back" });
    if (before.standing.open && !after.standing.open) {
      if (after.standing.word === "paused")
        add({ ...now, key: `paused:${at}`, mail: "access_paused", pausedBecause: "unpaid" });
      if (after.standing.word === "suspended")
        add({ ...now, key: `paused:${at}`, mail: "access_paused", pausedBecause: "dispute" });
    }
    for (const fact of step.arrived) {
      if (fact.kind === "payment" && !opened && after.standing.open && isRenewal(step, fact)) {
        add({ ...now, key: `renewal:${fact.rate ?? fact.transactionId}`, mail: "renewal", amount: fact.amount });
      }
      if (fact.kind === "payment_failed") {
        const missed = after.state.missed.find((miss) => miss.fact === fact.id);
        if (missed) add({ ...now, key: `failed:${missed.period}`, mail: "payment_failed" });
      }
    }
    for (const id of after.state.givenBack) {
      if (before.state.givenBack.includes(id)) continue;
      const refund = step.arrived.find((fact) => fact.id === id && fact.kind === "refund");
      if (refund?.kind === "refund")
        add({ ...now, key: `refunded:${refund.transactionId}`, mail: "refunded", amount: refund.amount });
    }
    const cancelled = after.state.cancelled;
    if (cancelled && !cancelled.runOut && after.standing.open && before.state.cancelled?.until !== cancelled.until) {
      add({ ...now, key: `cancelled:${dateKey(cancelled)}`, mail: "cancelled" });
    }
  }
  return effects;
}

/** A payment after the first one, or the first after a trial; an older one that arrives late only if it completes the plan. */
function isRenewal({ before, after }: Step, fact: { readonly id: string; readonly rate?: number }): boolean {
  if (after.state.plan === "once" || after.state.positions.length === before.state.positions.length) return false;
  if (!after.state.spans.some((span) => span.facts.includes(fact.id))) return false;
  const newest = Math.max(0, ...before.state.positions);
  if (newest === 0) return before.standing.word === "trial";
  return (fact.rate ?? newest + 1) > newest || (after.state.complete && !before.state.complete);
}

/** Several messages may tell of one cancellation: its date names it. */
function dateKey({ for: named, until }: NonNullable<ItemState["cancelled"]>): string {
  return named ? ("day" in named ? named.day : String(named.at)) : String(until);
}
