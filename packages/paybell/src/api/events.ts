import { testEvent } from "@paybell/protocols/test-event";
import { z } from "zod";
import { deliveryRows, deliverySchema, shownDelivery } from "./delivery-view.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { type EventRow, eventRows, eventsAfter, replayEvent } from "./event-rows.ts";
import { iso, isoInstant } from "./instant.ts";
import { page, pageOf, pageQuery } from "./paging.ts";
import { notFound, problem } from "./problem.ts";

const eventSchema = z.object({
  id: z.string(),
  /** payment.made, access.granted, licence.activated, … */
  type: z.string(),
  mode: z.enum(["live", "test"]),
  at: isoInstant,
  /** the provider's or platform's order */
  order_id: z.string().nullable(),
  data: z.record(z.string(), z.unknown()),
});

/** What our side announces. */
export function events(api: Api): void {
  const { house } = api;
  const tag = "events";

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/events",
      tag,
      summary: "List events",
      description:
        "Newest first, read on with `cursor`. To poll, ask oldest first with `after`: `start` for the first page, then " +
        "`last_id` of the answer before: none is passed over and none comes twice. One answer looks at 1,000 events at " +
        "most, so with `type` or `order_id` it can be empty while `next_cursor` says that there is more. `type` takes " +
        "`payment.*` for all that begin so.",
      scope: "read",
      query: pageQuery.extend({
        type: z.string().max(100).optional(),
        order_id: z.string().max(200).optional(),
        after: z.union([z.literal("start"), z.uuid().toLowerCase()]).optional(),
      }),
      answer: pageOf(eventSchema).extend({ last_id: z.string().nullable() }),
    },
    async ({ who, query }) => {
      const of = { accountId: who.accountId, mode: who.mode, modes: [who.mode], ...query };
      if (query.after === undefined) {
        const { rows, next_cursor } = page(await eventRows(house, of), query.limit);
        return { data: rows.map(shown), next_cursor, last_id: rows[0]?.id ?? null };
      }
      const after = query.cursor ?? query.after;
      const { rows, lastId, more } = await eventsAfter(house, { ...of, after });
      const last_id = lastId ?? (after === "start" ? null : after);
      return { data: rows.map(shown), next_cursor: more ? last_id : null, last_id };
    },
  );

  endpoint(
    api,
    { method: "get", path: "/v1/events/:id", tag, summary: "One event", scope: "read", answer: eventSchema },
    async ({ who, id }) => {
      const [row] = await eventRows(house, { accountId: who.accountId, modes: who.modes, id: id(), limit: 1 });
      if (!row) throw notFound("event");
      return shown(row);
    },
  );

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/events/:id/replay",
      tag,
      summary: "Send an event again",
      description:
        "A new delivery of the same event, under the same id, to each connection whose filters want it; or to the named " +
        "connection, whatever its filters.",
      scope: "write",
      status: 202,
      body: z.object({ connection_id: z.uuid().toLowerCase().optional() }),
      answer: z.object({ data: z.array(deliverySchema) }),
    },
    async ({ who, body, now, id }) => {
      const { accountId, modes } = who;
      const [event] = await eventRows(house, { accountId, modes, id: id(), limit: 1 });
      if (!event) throw notFound("event");
      if (event.type === testEvent)
        throw problem(409, "not_replayable", "This was a test. Send another one from the connection.");
      const connectionId = body.connection_id ?? null;
      const made = await replayEvent(house, { accountId, id: id(), connectionId }, now);
      if (made.length === 0 && connectionId !== null) throw notFound(`connection for ${event.mode} events`);
      house.sending.look(made.map((one) => one.lane_id));
      const ids = made.map((one) => one.id);
      const rows = ids.length === 0 ? [] : await deliveryRows(house, { accountId, modes, ids, limit: ids.length });
      return { data: rows.map((row) => shownDelivery(row, now)) };
    },
  );
}

function shown({ order_key, at, ...row }: EventRow): z.input<typeof eventSchema> {
  return { ...row, at: iso(at), order_id: order_key };
}
