import type { StandingWord } from "../access/access.ts";

/** What the API says in words beside its codes. */

export function accessSentence(open: boolean, word: StandingWord, untilDay: string | null): string {
  if (open && word === "trial") return `Open on trial${through(untilDay)}.`;
  if (open && word === "overdue") return `Open${through(untilDay)}, though the payment that is due has not come yet.`;
  if (open && word === "cancelled") return `Cancelled, and open${untilDay ? through(untilDay) : " without end"}.`;
  if (open) return untilDay ? `Open${through(untilDay)}.` : "Open without end.";
  return closed[word];
}

function through(day: string | null): string {
  return day === null ? "" : ` through ${day}`;
}

const closed: Record<StandingWord, string> = {
  active: "Not open.",
  trial: "Not open.",
  overdue: "Not open.",
  cancelled: "Not open.",
  pending: "Not open yet: it waits for a payment or for its day.",
  failed: "Not open: the payment failed.",
  paused: "Closed, because the plan was not paid in time. A payment opens it again at once.",
  ended: "It has ended.",
  suspended: "Suspended, because the payment is disputed.",
  refunded: "Closed, because the payment was given back.",
  waiting: "Not open: a refund is known, its payment is not.",
  none: "Nothing that was bought opens this.",
};

export function reasonSentence(rule: string): string {
  return rules[rule] ?? `By rule ${rule}.`;
}

const rules: Record<string, string> = {
  R5: "It was bought once and paid.",
  R6: "A payment of the plan covers this period.",
  R7: "The plan goes on: access continues through the due date and the days of grace.",
  R8: "The plan was cancelled: access runs to the end of what was paid or to the cancellation date.",
  R10: "A payment was given back.",
  R11: "A payment of this order is disputed.",
  R12: "The rates of the instalment plan open it.",
  R13: "The trial opens it, with time for the first charge to arrive.",
};

/** Why a notification waits, was ignored or refused; null where the code says nothing more. */
export function notificationSentence(reason: string | null): string | null {
  if (reason === null) return null;
  const colon = reason.indexOf(": ");
  return notifications[reason] ?? (colon > 0 ? reason.slice(colon + 2) : null);
}

const notifications: Record<string, string> = {
  not_applied_yet: "It is kept and will be applied in a moment.",
  refund_without_payment: "A refund whose payment has not arrived yet. It is matched as soon as the payment comes.",
  not_verified_yet: "Its provider has not been asked yet whether it is genuine. Nothing acts on it until then.",
  order_unknown: "It speaks of an order nothing has been heard of yet. It is applied as soon as the order is known.",
  product_unmapped:
    "Its product is mapped to none of yours. Map it, and it has the effect it would have had on the day.",
  fact_conflict: "The same transaction was sent before with another amount. The first stays.",
  unreadable: "Its signature is right, but its content is not understood.",
};

/** What the operator can do about it. */
export const whatToDo = {
  product_unmapped: "Add the product as a source to one of yours: POST /v1/products or PATCH /v1/products/{id}.",
  refund_without_payment: "Nothing, when the payment is still on its way. Otherwise send it again at the provider.",
  notification_unverified:
    "Look at what the provider answered, correct the connection's options if they are wrong, then process it again: POST /v1/notifications/{id}/replay.",
  order_unknown: "Nothing, when the sale is still on its way. Otherwise send the sale again at the provider.",
  notification_unreadable: "Look at it, then process it again: POST /v1/notifications/{id}/replay.",
  fact_conflict: "Compare both notifications with the provider's own list. The first one counts.",
  mail_undelivered: "Correct the address: POST /v1/orders/{id}/contact. The access data go out again.",
  key_follows: "Upload licence keys: POST /v1/products/{id}/keys. Each waiting buyer gets one at once.",
} as const;
