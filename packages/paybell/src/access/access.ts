import type { Instant } from "@paybell/protocols/domain/day";
import type { ItemState, Span } from "../ledger/fold.ts";

/** How an item stands at an instant, in one word. */
export type StandingWord =
  | "active"
  | "trial"
  | "overdue" // open, within the days of grace
  | "cancelled" // open until its end
  | "pending"
  | "failed"
  | "paused" // the plan was not paid in time
  | "ended"
  | "suspended" // a dispute is open
  | "refunded"
  | "waiting" // only a refund is known, not its payment
  | "none";

export type Standing = {
  readonly open: boolean;
  readonly word: StandingWord;
  /** first instant without access; null: no end, or not open */
  readonly until: Instant | null;
  /** what opens or closes it */
  readonly because: readonly { readonly rule: string; readonly facts: readonly string[] }[];
  /** the next instant at which the clock alone changes the answer */
  readonly changesAt: Instant | null;
};

/**
 * Whether an item is open at an instant. Pure: the facts are in the state, the clock is `at`.
 * @param at not before the newest fact in the state arrived; for an earlier instant fold the facts known then
 */
export function accessAt(state: ItemState, at: Instant): Standing {
  const changesAt = nextEdge(state, at);
  if (state.suspended) {
    return {
      open: false,
      word: "suspended",
      until: null,
      because: [{ rule: "R11", facts: state.suspended.facts }],
      changesAt,
    };
  }
  const open = state.spans.filter((span) => span.from <= at && (span.until === null || at < span.until));
  if (open.length === 0) return { open: false, word: closedWord(state, at), until: null, because: [], changesAt };
  const reached = reach(state.spans, at);
  return {
    open: true,
    word: openWord(state, open),
    until: reached.until,
    because: [
      ...reached.spans.map(({ rule, facts }) => ({ rule, facts })),
      ...(state.cancelled ? [{ rule: "R8", facts: [state.cancelled.fact] }] : []),
    ],
    changesAt,
  };
}

function openWord(state: ItemState, open: readonly Span[]): StandingWord {
  if (state.cancelled) return "cancelled";
  if (open.some((span) => span.kind === "paid")) return "active";
  if (open.some((span) => span.kind === "pending")) return "pending";
  return state.money === "trial" || open.some((span) => span.kind === "trial") ? "trial" : "overdue";
}

function closedWord(state: ItemState, at: Instant): StandingWord {
  switch (state.money) {
    case "refunded":
      return "refunded";
    case "unmatched":
      return "waiting";
    case "none":
    case "pending":
    case "failed":
      return state.money;
    case "trial":
      return state.spans.some((span) => span.from > at) ? "pending" : "ended";
    case "paid":
      if (state.spans.some((span) => span.from > at)) return "pending";
      if (state.lastGivenBack) return "refunded";
      return state.plan === "once" || state.cancelled ? "ended" : "paused";
    default:
      return state.money satisfies never;
  }
}

/** Follows spans that touch or overlap from `at` to where they end. */
function reach(spans: readonly Span[], at: Instant): { until: Instant | null; spans: Span[] } {
  let until: Instant | null = at;
  const used: Span[] = [];
  for (let found = true; found && until !== null; ) {
    found = false;
    for (const span of spans) {
      if (used.includes(span) || span.from > until || (span.until !== null && span.until <= until)) continue;
      used.push(span);
      until = span.until;
      found = true;
      break;
    }
  }
  return { until, spans: used };
}

function nextEdge({ spans }: ItemState, at: Instant): Instant | null {
  let next: Instant | null = null;
  for (const { from, until } of spans) {
    for (const edge of [from, until]) if (edge !== null && edge > at && (next === null || edge < next)) next = edge;
  }
  return next;
}
