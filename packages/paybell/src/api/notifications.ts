import { z } from "zod";
import type { Who } from "./auth.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { iso, isoInstant, readAt } from "./instant.ts";
import { moneySchema } from "./money.ts";
import {
  factsFrom,
  idsToReplay,
  notificationBytes,
  type NotificationRow,
  notificationRows,
} from "./notification-rows.ts";
import { page, pageOf, pageQuery } from "./paging.ts";
import { notFound, problem } from "./problem.ts";
import { notificationSentence } from "./sentences.ts";

const notificationSchema = z.object({
  id: z.string(),
  /** refused: it could not be verified and changed nothing */
  /** `unverified`: the provider has to be asked first; nothing acts on it */
  verdict: z.enum(["verified", "unverified", "refused"]),
  state: z.enum(["applied", "waiting", "ignored"]),
  reason: z.string().nullable(),
  sentence: z.string().nullable(),
  /** how often the same bytes came */
  arrivals: z.int(),
  /** the provider's own name for it */
  event: z.string().nullable(),
  order_id: z.string().nullable(),
  connection_id: z.string(),
  protocol: z.string(),
  mode: z.enum(["live", "test"]),
  received_at: isoInstant,
  /** bytes */
  size: z.int(),
});

const fullSchema = notificationSchema.extend({
  /** in order of arrival; values that open something are masked */
  headers: z.array(z.tuple([z.string(), z.string()])),
  /** null: it is not UTF-8 */
  body: z.string().nullable(),
  /** byte for byte; of a refused one the first 16 KiB */
  body_base64: z.string(),
  /** the customer was erased: the person was taken out of the bytes */
  redacted: z.boolean(),
  facts: z.array(
    z.object({
      kind: z.string(),
      at: isoInstant,
      amount: moneySchema.nullable(),
      order_id: z.string(),
      item_id: z.string(),
      product_id: z.string(),
    }),
  ),
});

export function notifications(api: Api): void {
  const { house } = api;
  const tag = "notifications";

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/notifications",
      tag,
      summary: "List notifications, newest first",
      scope: "read",
      query: pageQuery.extend({
        state: z.enum(["applied", "waiting", "ignored"]).optional(),
        verdict: z.enum(["verified", "unverified", "refused"]).optional(),
        order_id: z.string().max(200).optional(),
        connection_id: z.uuid().optional(),
      }),
      answer: pageOf(notificationSchema),
    },
    async ({ who, query }) => {
      const found = await notificationRows(house, { accountId: who.accountId, modes: [who.mode], ...query });
      const { rows, next_cursor } = page(found, query.limit);
      return { data: rows.map(shown), next_cursor };
    },
  );

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/notifications/:id",
      tag,
      summary: "One notification, byte for byte",
      scope: "read",
      answer: fullSchema,
    },
    ({ who, id }) => full(api, who, id()),
  );

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/notifications/replay",
      tag,
      summary: "Process many notifications again",
      description: "The oldest 1,000 in that state (waiting). What was applied already changes nothing.",
      scope: "write",
      body: z.object({
        state: z.enum(["waiting", "applied", "ignored", "any"]).default("waiting"),
        since: z.string().max(40).optional(),
        /** `next_cursor` of the answer before */
        cursor: z.uuid().optional(),
      }),
      answer: z.object({ replayed: z.int(), next_cursor: z.string().nullable() }),
    },
    async ({ who, body }) => {
      const ids = await idsToReplay(house, {
        accountId: who.accountId,
        modes: [who.mode],
        states: replayable[body.state],
        since: body.since === undefined ? null : readAt(body.since, who.account.zone, "since"),
        after: body.cursor ?? null,
        limit: 1000,
      });
      if (ids.length > 0) await house.replay(who.accountId, ids);
      return { replayed: ids.length, next_cursor: ids.length === 1000 ? ids.at(-1)! : null };
    },
  );

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/notifications/:id/replay",
      tag,
      summary: "Process a notification again",
      scope: "write",
      answer: fullSchema,
    },
    async ({ who, id }) => {
      const before = await row(api, who, id());
      if (before.verdict === "refused")
        throw problem(409, "not_verified", "It was refused when it came, so it is never processed.");
      await house.replay(who.accountId, [id()]);
      return full(api, who, id());
    },
  );
}

const replayable = {
  waiting: ["waiting", "stored", "unverified"],
  applied: ["applied"],
  ignored: ["ignored"],
  any: ["waiting", "stored", "unverified", "applied", "ignored"],
};

async function row({ house }: Api, who: Who, id: string): Promise<NotificationRow> {
  const [found] = await notificationRows(house, { accountId: who.accountId, modes: who.modes, id, limit: 1 });
  if (!found) throw notFound("notification");
  return found;
}

async function full(api: Api, who: Who, id: string): Promise<z.input<typeof fullSchema>> {
  const { house } = api;
  const found = await row(api, who, id);
  const bytes = await notificationBytes(house, who.accountId, found);
  if (!bytes) throw notFound("notification");
  const facts = found.verdict === "verified" ? await factsFrom(house, who.accountId, id) : [];
  return {
    ...shown(found),
    headers: masked(bytes.headers),
    body: asText(bytes.body),
    body_base64: bytes.body.toString("base64"),
    redacted: bytes.redacted,
    facts: facts.map((fact) => ({
      kind: fact.kind,
      at: iso(fact.happened_at),
      amount:
        fact.amount_minor === null || fact.currency === null
          ? null
          : { minor: Number(fact.amount_minor), currency: fact.currency },
      order_id: fact.order_id,
      item_id: fact.item_id,
      product_id: fact.product_key,
    })),
  };
}

function shown(found: NotificationRow): z.input<typeof notificationSchema> {
  return {
    id: found.id,
    verdict: found.verdict,
    state: found.state,
    reason: found.reason,
    sentence: found.sentence ?? notificationSentence(found.reason),
    arrivals: Number(found.arrivals),
    event: found.event,
    order_id: found.order_id,
    connection_id: found.connection_id,
    protocol: found.protocol,
    mode: found.mode,
    received_at: iso(found.received_at),
    size: found.size,
  };
}

const sensitive = /^(authorization|proxy-authorization|cookie|set-cookie|x-api-key)$|token|secret|password/i;

/** @param headers JSON: pairs in order of arrival, or an object */
function masked(headers: string): [string, string][] {
  const parsed: unknown = JSON.parse(headers);
  const pairs: unknown[] = Array.isArray(parsed) ? parsed : Object.entries(parsed ?? {});
  return pairs.flatMap((pair): [string, string][] => {
    if (!Array.isArray(pair)) return [];
    const [name, value] = pair.map(String);
    return name === undefined ? [] : [[name, sensitive.test(name) ? "•••" : (value ?? "")]];
  });
}

function asText(body: Buffer): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return null;
  }
}
