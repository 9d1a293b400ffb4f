import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import { z } from "zod";
import { type Api, endpoint } from "./endpoint.ts";
import { iso, isoInstant } from "./instant.ts";
import { page, pageOf, pageQuery } from "./paging.ts";

const eventSchema = z.object({
  id: z.string(),
  /** access.granted, access.changed, access.revoked */
  type: z.string(),
  mode: z.enum(["live", "test"]),
  at: isoInstant,
  data: z.record(z.string(), z.unknown()),
});

/** What our side announces. */
export function events(api: Api): void {
  endpoint(
    api,
    {
      method: "get",
      path: "/v1/events",
      tag: "events",
      summary: "List events",
      description:
        "Newest first, read on with `cursor`. To poll, ask oldest first with `after`: `start` for the first page, then " +
        "`last_id` of the answer before.",
      scope: "read",
      query: pageQuery.extend({
        type: z.string().max(100).optional(),
        after: z.union([z.literal("start"), z.uuid()]).optional(),
      }),
      answer: pageOf(eventSchema).extend({ last_id: z.string().nullable() }),
    },
    async ({ who, query }) => {
      const forward = query.after !== undefined;
      const from = query.after === "start" ? undefined : (query.after ?? query.cursor);
      const { rows: found } = await api.house.pool.query<EventRow>(
        `select id, type, mode, at, data from event
         where account_id = $1 and mode = $2 and ($3::text is null or type = $3)
           and ($4::uuid is null or id ${forward ? ">" : "<"} $4)
         order by id ${forward ? "asc" : "desc"} limit $5 + 1`,
        [who.accountId, who.mode, query.type ?? null, from ?? null, query.limit],
      );
      const { rows, next_cursor } = page(found, query.limit);
      return {
        data: rows.map((row) => ({ ...row, at: iso(row.at) })),
        next_cursor,
        last_id: forward ? (rows.at(-1)?.id ?? from ?? null) : (rows[0]?.id ?? null),
      };
    },
  );
}

type EventRow = { id: string; type: string; mode: Mode; at: Instant; data: Record<string, unknown> };
