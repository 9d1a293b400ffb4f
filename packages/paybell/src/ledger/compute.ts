import type { Instant } from "@paybell/protocols/domain/day";
import type { Money } from "@paybell/protocols/domain/money";
import type { Context } from "../context.ts";
import { type Effect, effectsOf } from "../fulfil/effects.ts";
import { stepsOf } from "../fulfil/steps.ts";
import { balanceOf } from "./balance.ts";
import { fold, type FoldSettings, type ItemState } from "./fold.ts";
import type { Held } from "./held-rows.ts";
import type { LedgerFact } from "./ledger-fact.ts";

/** An item as it comes out of its facts. */
export type Computed = {
  readonly held: Held;
  readonly state: ItemState;
  readonly balance: Money | null;
  readonly waiting: string | null;
  readonly effects: readonly Effect[];
  readonly facts: readonly LedgerFact[];
  readonly now: Instant;
};

/**
 * What the facts of an item come to now, and what is to be told because of them.
 * @param orderFacts of the whole order
 * @param newFrom arrival of the earliest fact of the order that is new; history is walked again from there
 */
export function compute(
  context: Context,
  held: Held,
  facts: readonly LedgerFact[],
  orderFacts: readonly LedgerFact[],
  newFrom: Instant | null,
): Computed {
  const settings = foldSettings(context, held);
  const now = Math.max(context.clock(), ...orderFacts.map((fact) => fact.arrivedAt));
  const state = fold(facts, orderFacts, settings);
  const walked = held.walkedTo === null || newFrom === null ? held.walkedTo : Math.min(held.walkedTo, newFrom - 1);
  const steps = held.product ? stepsOf(facts, orderFacts, settings, walked, now) : [];
  const unmatched = Object.values(state.waiting)[0] ?? null;
  return {
    held,
    state,
    balance: balanceOf(facts),
    waiting: held.product ? unmatched : "product_unmapped",
    effects: effectsOf(steps, new Set(held.effects)),
    facts,
    now,
  };
}

/** The settings an item is folded with: the account's, then the product's own. */
export function foldSettings(context: Pick<Context, "timeZone">, item: Held): FoldSettings {
  const { grace_days, trial_grace_hours, time_zone } = item.account.settings;
  return {
    zone: time_zone ?? context.timeZone,
    rules: {
      ...(grace_days !== undefined && { grace_days }),
      ...(trial_grace_hours !== undefined && { trial_grace_hours }),
      ...item.product?.config.settings,
    },
  };
}
