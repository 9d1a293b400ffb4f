import { z } from "zod";
import { ask, type Asked, type Answered } from "../access/ask.ts";
import type { Entitlement } from "../access/entitlements.ts";
import { dayOf } from "../domain/calendar.ts";
import { normaliseEmail } from "../domain/email.ts";
import { isId } from "../domain/id.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { iso, isoInstant, readAt } from "./instant.ts";
import { moneySchema, shownMoney } from "./money.ts";
import { problem } from "./problem.ts";
import { accessSentence, reasonSentence } from "./sentences.ts";

const reason = z.object({
  /** of the house rules, docs/rules.md */
  rule: z.string(),
  order_id: z.string(),
  item_id: z.string(),
  sentence: z.string(),
  facts: z.array(
    z.object({
      kind: z.string(),
      at: isoInstant,
      amount: moneySchema.nullable(),
      notification_id: z.string().nullable(),
    }),
  ),
});

/** How it stands, in one word. Cancelled is open until its end; waiting knows a refund without its payment. */
export const standingWord = z.enum([
  "active",
  "trial",
  "overdue",
  "cancelled",
  "pending",
  "waiting",
  "failed",
  "paused",
  "suspended",
  "ended",
  "refunded",
  "none",
]);

export const entitlementSchema = z.object({
  feature: z.string(),
  allowed: z.boolean(),
  state: standingWord,
  /** the first instant without access; null: no end, or not open */
  until: isoInstant.nullable(),
  /** the last day with access, in the account's zone */
  until_day: z.string().nullable(),
  limit: z.number().nullable(),
  sentence: z.string(),
  because: z.array(reason),
});

/** May this customer use this, until when, and why. */
export function access(api: Api): void {
  endpoint(
    api,
    {
      method: "get",
      path: "/v1/access",
      tag: "access",
      summary: "May this customer use this",
      description:
        "Ask by email, customer or reference. Without `feature` all features are listed. `at` is any instant, or a " +
        "date (then its first instant in the shop's zone): in the past as it was known then, in the future as it " +
        "will be if nothing more arrives.",
      scope: "read",
      query: z.object({
        email: z.string().max(254).optional(),
        customer: z.string().max(64).optional(),
        reference: z.string().max(200).optional(),
        feature: z.string().trim().min(1).max(110).optional(),
        at: z.string().max(40).optional(),
      }),
      answer: z.union([entitlementSchema, z.object({ data: z.array(entitlementSchema) })]),
    },
    async ({ who, query }) => {
      const { zone } = who.account;
      const at = query.at === undefined ? null : readAt(query.at, zone, "at");
      const asked = askedFor(query);
      const unknown: Answered = { customerId: null, entitlements: [], facts: new Map() };
      const answered = asked
        ? await ask(api.house, { accountId: who.accountId, mode: who.mode, who: asked, at })
        : unknown;
      if (query.feature === undefined)
        return { data: answered.entitlements.map((one) => shownEntitlement(one, answered, zone)) };
      const found = answered.entitlements.find((one) => one.feature === query.feature);
      return shownEntitlement(found ?? nothing(query.feature), answered, zone);
    },
  );
}

export function shownEntitlement(
  { feature, open, word, until, limit, because }: Entitlement,
  { facts }: Pick<Answered, "facts">,
  zone: string,
): z.input<typeof entitlementSchema> {
  const untilDay = until === null ? null : dayOf(until - 1, zone);
  return {
    feature,
    allowed: open,
    state: word,
    until: iso(until),
    until_day: untilDay,
    limit,
    sentence: accessSentence(open, word, untilDay),
    because: because.map(({ rule, orderId, itemId, facts: named }) => ({
      rule,
      order_id: orderId,
      item_id: itemId,
      sentence: reasonSentence(rule),
      facts: named.flatMap((id) => {
        const fact = facts.get(id);
        if (!fact) return [];
        const amount = fact.amount && shownMoney(fact.amount);
        return [{ kind: fact.kind, at: iso(fact.at), amount, notification_id: fact.notificationId }];
      }),
    })),
  };
}

function nothing(feature: string): Entitlement {
  return { feature, open: false, word: "none", until: null, limit: null, because: [] };
}

/** @returns undefined for a customer id nobody can have */
function askedFor(query: {
  email?: string | undefined;
  customer?: string | undefined;
  reference?: string | undefined;
}): Asked | undefined {
  const given = [query.email, query.customer, query.reference].filter((one) => one !== undefined);
  if (given.length !== 1)
    throw problem(422, "invalid_request", "Name the customer by exactly one of email, customer or reference.", {
      errors: [{ path: "email", message: "exactly one of email, customer, reference" }],
    });
  if (query.email !== undefined) return { email: normaliseEmail(query.email) };
  if (query.reference !== undefined) return { reference: query.reference };
  return isId(query.customer) ? { customerId: query.customer } : undefined;
}
