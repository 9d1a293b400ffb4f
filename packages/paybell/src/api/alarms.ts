import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import { z } from "zod";
import { type Api, endpoint } from "./endpoint.ts";
import { iso, isoInstant } from "./instant.ts";
import { page, pageOf, pageQuery } from "./paging.ts";
import { notFound } from "./problem.ts";

const alarmSchema = z.object({
  id: z.string(),
  kind: z.string(),
  /** what it is about; raised once for each */
  key: z.string(),
  mode: z.enum(["live", "test"]),
  data: z.record(z.string(), z.unknown()),
  raised_at: isoInstant,
  last_at: isoInstant,
  times: z.int(),
  /** null: open */
  closed_at: isoInstant.nullable(),
});

/** Reported to the operator without being asked. */
export function alarms(api: Api): void {
  const { pool } = api.house;
  endpoint(
    api,
    {
      method: "get",
      path: "/v1/alarms",
      tag: "alarms",
      summary: "List alarms, newest first",
      scope: "read",
      query: pageQuery.extend({ open: z.stringbool().optional(), kind: z.string().max(50).optional() }),
      answer: pageOf(alarmSchema),
    },
    async ({ who, query }) => {
      const { rows: found } = await pool.query<AlarmRow>(
        `select ${columns} from alarm
         where account_id = $1 and mode = $2 and ($3::boolean is null or (closed_at is null) = $3)
           and ($4::text is null or kind = $4) and ($5::uuid is null or id < $5)
         order by id desc limit $6 + 1`,
        [who.accountId, who.mode, query.open ?? null, query.kind ?? null, query.cursor ?? null, query.limit],
      );
      const { rows, next_cursor } = page(found, query.limit);
      return { data: rows.map(shown), next_cursor };
    },
  );

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/alarms/:id/close",
      tag: "alarms",
      summary: "Close an alarm",
      scope: "write",
      answer: alarmSchema,
    },
    async ({ who, now, id }) => {
      const { rows } = await pool.query<AlarmRow>(
        `update alarm set closed_at = coalesce(closed_at, $4) where account_id = $1 and id = $2 and mode = any($3)
         returning ${columns}`,
        [who.accountId, id(), who.modes, new Date(now)],
      );
      if (!rows[0]) throw notFound("alarm");
      return shown(rows[0]);
    },
  );
}

const columns = "id, kind, key, mode, data, raised_at, last_at, times, closed_at";

type AlarmRow = {
  id: string;
  kind: string;
  key: string;
  mode: Mode;
  data: Record<string, unknown>;
  raised_at: Instant;
  last_at: Instant;
  times: number;
  closed_at: Instant | null;
};

function shown(row: AlarmRow): z.input<typeof alarmSchema> {
  return { ...row, raised_at: iso(row.raised_at), last_at: iso(row.last_at), closed_at: iso(row.closed_at) };
}
