import { z } from "zod";
import { normaliseEmail } from "../domain/email.ts";
import { activationLimit, excessOf, licenceState } from "../fulfil/activations.ts";
import type { House } from "../house.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { iso, isoInstant } from "./instant.ts";
import { activationSchema } from "./licence-checks.ts";
import { type LicenceRow, licenceRows } from "./licence-rows.ts";
import { page, pageOf, pageQuery } from "./paging.ts";
import { notFound } from "./problem.ts";

const licenceSchema = z.object({
  id: z.string(),
  key: z.string(),
  mode: z.enum(["live", "test"]),
  /** ours */
  product_id: z.string(),
  /** the provider's; null: free, in the pool */
  order_id: z.string().nullable(),
  item_id: z.string().nullable(),
  email: z.string().nullable(),
  state: z.enum(["free", "active", "suspended", "ended"]),
  activations: z.array(activationSchema),
  /** machines at once; null: no limit */
  limit: z.int().nullable(),
  /** machines more than the limit allows, since the quantity was lowered */
  excess: z.int(),
  created_at: isoInstant,
  given_at: isoInstant.nullable(),
});

/** Keys given and keys in the pool. */
export function licences(api: Api): void {
  const { house } = api;
  const tag = "licences";

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/licences",
      tag,
      summary: "List licences, newest first",
      scope: "read",
      query: pageQuery.extend({
        email: z.string().max(254).transform(normaliseEmail).optional(),
        /** the provider's */
        order_id: z.string().max(200).optional(),
        /** ours */
        product_id: z.uuid().optional(),
        /** case, spaces and hyphens do not matter */
        key: z.string().min(1).max(500).optional(),
      }),
      answer: pageOf(licenceSchema),
    },
    async ({ who, query, now }) => {
      const found = await licenceRows(house, { accountId: who.accountId, modes: [who.mode], ...query });
      const { rows, next_cursor } = page(found, query.limit);
      return { data: rows.map((row) => shown(house, row, now)), next_cursor };
    },
  );

  endpoint(
    api,
    { method: "get", path: "/v1/licences/:id", tag, summary: "One licence", scope: "read", answer: licenceSchema },
    async ({ who, id, now }) => {
      const [row] = await licenceRows(house, { accountId: who.accountId, modes: who.modes, id: id(), limit: 1 });
      if (!row) throw notFound("licence");
      return shown(house, row, now);
    },
  );
}

function shown({ seal }: Pick<House, "seal">, row: LicenceRow, now: number): z.input<typeof licenceSchema> {
  const activations = row.activations ?? [];
  const limit = row.state ? activationLimit(row.config, row.state) : (row.config.licence?.activations ?? null);
  return {
    id: row.id,
    key: seal.open(row.sealed, `licence:${row.id}`),
    mode: row.mode,
    product_id: row.product_id,
    order_id: row.order_id,
    item_id: row.item_id,
    email: row.contact_email || null,
    state: row.state ? licenceState(row.state, now) : "free",
    activations: activations.map((one) => ({ ...one, activated_at: iso(Date.parse(one.activated_at)) })),
    limit,
    excess: excessOf(activations.length, limit),
    created_at: iso(row.created_at),
    given_at: iso(row.given_at),
  };
}
