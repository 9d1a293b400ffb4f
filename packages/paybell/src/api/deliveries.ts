import type { Instant } from "@paybell/protocols/domain/day";
import { testEvent } from "@paybell/protocols/test-event";
import { z } from "zod";
import { firstId } from "../domain/id.ts";
import type { House } from "../house.ts";
import { tellOfRepair } from "../send/notices.ts";
import { attemptRows, attemptSchema, shownAttempt } from "./attempt-view.ts";
import type { Who } from "./auth.ts";
import { deliveryRows, deliverySchema, deliveryStates, shownDelivery } from "./delivery-view.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { readAt } from "./instant.ts";
import { eventTypes, jobSchema, makeJobs, spanBody } from "./job-view.ts";
import { page, pageOf, pageQuery } from "./paging.ts";
import { notFound, problem } from "./problem.ts";

const fullSchema = deliverySchema.extend({
  /** the oldest first */
  tries: z.array(attemptSchema),
});

/** What was brought where, when, and how it went: events and mails alike. */
export function deliveries(api: Api): void {
  const { house } = api;
  const tag = "deliveries";

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/deliveries",
      tag,
      summary: "List deliveries, newest first",
      description:
        "`since` and `until` are about when a delivery was made. `type` takes `payment.*` for all that begin so.",
      scope: "read",
      query: pageQuery.extend({
        connection_id: z.uuid().optional(),
        event_id: z.uuid().optional(),
        order_id: z.string().max(200).optional(),
        state: z.enum(deliveryStates).optional(),
        transport: z.enum(["http", "mail"]).optional(),
        type: z.string().max(100).optional(),
        since: z.string().max(40).optional(),
        until: z.string().max(40).optional(),
      }),
      answer: pageOf(deliverySchema),
    },
    async ({ who, query, now }) => {
      const { since, until, cursor, ...filter } = query;
      const at = (text: string, name: string) => firstId(readAt(text, who.account.zone, name));
      const end = until === undefined ? undefined : at(until, "until");
      const found = await deliveryRows(house, {
        ...filter,
        accountId: who.accountId,
        modes: [who.mode],
        from: since === undefined ? undefined : at(since, "since"),
        before: cursor === undefined || (end !== undefined && end < cursor) ? end : cursor,
      });
      const { rows, next_cursor } = page(found, query.limit);
      return { data: rows.map((row) => shownDelivery(row, now)), next_cursor };
    },
  );

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/deliveries/:id",
      tag,
      summary: "One delivery, with all its attempts",
      scope: "read",
      answer: fullSchema,
    },
    ({ who, id, now }) => full(house, who, id(), now),
  );

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/deliveries/:id/retry",
      tag,
      summary: "Try a delivery again",
      description:
        "It is due now, and its schedule begins anew. Mails too. What is held stays held until its address is on.",
      scope: "write",
      status: 202,
      answer: fullSchema,
    },
    async ({ who, now, id }) => {
      const before = await full(house, who, id(), now);
      if (before.state === "sent")
        throw problem(
          409,
          "already_sent",
          "It arrived. To send the event once more, replay it: POST /v1/events/{id}/replay.",
        );
      if (before.type === testEvent)
        throw problem(409, "not_retried", "This was a test. Send another one from the connection.");
      const laneId = await makeDue(house, who.accountId, id(), now);
      if (laneId === undefined)
        throw problem(409, "connection_removed", "The connection it was meant for was removed.");
      await tellOfRepair(house.pool, who.accountId, [laneId], now);
      house.sending.look([laneId]);
      return full(house, who, id(), now);
    },
  );

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/deliveries/retry",
      tag,
      summary: "Try all failed deliveries of a time again",
      description:
        "Of one connection or of all, paced by each address. As a job: GET /v1/jobs/{id} shows how far it is.",
      scope: "write",
      status: 202,
      body: spanBody.extend({ connection_id: z.uuid().optional(), events: eventTypes.optional() }),
      answer: jobSchema,
    },
    async ({ who, body, now }) => {
      const [job] = await makeJobs(house, who, who.mode, ["recover"], body, now);
      return job!;
    },
  );
}

async function full(house: House, who: Who, id: string, now: Instant): Promise<z.input<typeof fullSchema>> {
  const { accountId, modes } = who;
  const [row] = await deliveryRows(house, { accountId, modes, ids: [id], limit: 1 });
  if (!row) throw notFound("delivery");
  const tries = await attemptRows(house, accountId, id);
  return { ...shownDelivery(row, now), tries: tries.map(shownAttempt) };
}

/** @returns its lane; undefined: its address is gone */
async function makeDue({ pool }: House, accountId: string, id: string, now: Instant): Promise<string | undefined> {
  const { rows } = await pool.query<{ lane_id: string }>(
    `update delivery d set state = 'due', due_at = $3, attempts_before = d.attempts, reason = null
     where d.account_id = $1 and d.id = $2 and d.state <> 'sent'
       and (d.event_id is null or exists (select 1 from address a where a.account_id = d.account_id and a.id = d.lane_id))
     returning d.lane_id`,
    [accountId, id, new Date(now)],
  );
  return rows[0]?.lane_id;
}
