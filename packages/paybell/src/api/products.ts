import { z } from "zod";
import { inTransaction, type Tx } from "../db/transaction.ts";
import { newId } from "../domain/id.ts";
import { productConfig, type ProductConfig } from "../domain/product.ts";
import { waitForBookings } from "../ledger/order-rows.ts";
import type { Who } from "./auth.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { iso, isoInstant } from "./instant.ts";
import { page, pageOf, pageQuery } from "./paging.ts";
import { notFound, problem } from "./problem.ts";
import { adoptItems, makeItemsDue, mapSources, type ProductRow, productRows, type Source } from "./product-rows.ts";

const sourceSchema = z.object({
  protocol: z.string().trim().min(1).max(50),
  /** the provider's */
  product_id: z.union([z.string().trim().min(1).max(200), z.int()]).transform(String),
});

const nameSchema = z.string().trim().min(1).max(200);
const sourcesSchema = z.array(sourceSchema).max(200);

const productSchema = productConfig.extend({
  id: z.string(),
  name: z.string(),
  sources: z.array(z.object({ protocol: z.string(), product_id: z.string() })),
  /** the pool: keys not given yet, and given */
  keys: z.object({ left: z.int(), given: z.int() }),
  created_at: isoInstant,
  updated_at: isoInstant,
  archived_at: isoInstant.nullable(),
});

const { features, mails, replaces, settings, licence, login, download } = productConfig.shape;
/** Fields that are given are replaced as a whole; null takes one away. No defaults here: what is absent stays. */
const patchSchema = z.object({
  name: nameSchema.optional(),
  sources: sourcesSchema.optional(),
  features: features.unwrap().optional(),
  mails: mails.unwrap().optional(),
  replaces: replaces.unwrap().optional(),
  settings: settings.unwrap().optional(),
  licence: licence.nullable(),
  login: login.nullable(),
  download: download.nullable(),
});

export function products(api: Api): void {
  const { house } = api;
  const tag = "products";

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/products",
      tag,
      summary: "Add a product",
      description: "Orders that came in for its sources before have the effect they would have had on the day.",
      scope: "write",
      liveOnly: true,
      status: 201,
      body: productConfig.extend({ name: nameSchema, sources: sourcesSchema.default([]) }),
      answer: productSchema,
    },
    async ({ who, body, now }) => {
      const { name, sources, ...config } = body;
      const id = newId(now);
      await inTransaction(house.pool, async (tx) => {
        await checkReplaces(tx, who, config.replaces);
        await tx.query(
          "insert into product (account_id, id, name, config, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)",
          [who.accountId, id, name, JSON.stringify(config), new Date(now)],
        );
        refuseTaken(await mapSources(tx, who.accountId, id, sources, now));
      });
      await adoptLate(api, who, id, sources);
      return one(api, who, id);
    },
  );

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/products",
      tag,
      summary: "List products, newest first",
      scope: "read",
      query: pageQuery.extend({ archived: z.stringbool().default(false) }),
      answer: pageOf(productSchema),
    },
    async ({ who, query }) => {
      const rows = await productRows(house.pool, { accountId: who.accountId, mode: who.mode, ...query });
      const { rows: shownRows, next_cursor } = page(rows, query.limit);
      return { data: shownRows.map(shown), next_cursor };
    },
  );

  endpoint(
    api,
    { method: "get", path: "/v1/products/:id", tag, summary: "One product", scope: "read", answer: productSchema },
    ({ who, id }) => one(api, who, id()),
  );

  endpoint(
    api,
    {
      method: "patch",
      path: "/v1/products/:id",
      tag,
      summary: "Change a product",
      description:
        "Given fields are replaced as a whole. Removing a source takes nothing from orders that came through it; only " +
        "later ones are unmapped.",
      scope: "write",
      liveOnly: true,
      body: patchSchema,
      answer: productSchema,
    },
    async ({ who, body, now, id }) => {
      const { name, sources, ...changes } = body;
      await inTransaction(house.pool, async (tx) => {
        const before = await lockProduct(tx, who, id());
        const config = changed(before.config, changes);
        await checkReplaces(tx, who, config.replaces, id());
        await tx.query("update product set name = $3, config = $4, updated_at = $5 where account_id = $1 and id = $2", [
          who.accountId,
          id(),
          name ?? before.name,
          JSON.stringify(config),
          new Date(now),
        ]);
        if (sources) refuseTaken(await mapSources(tx, who.accountId, id(), sources, now));
        if (opens(before.config) !== opens(config)) await makeItemsDue(tx, who.accountId, id(), now);
      });
      await adoptLate(api, who, id(), sources ?? []);
      return one(api, who, id());
    },
  );

  endpoint(
    api,
    {
      method: "delete",
      path: "/v1/products/:id",
      tag,
      summary: "Archive a product",
      description: "It is hidden and its sources are free. Whoever bought it keeps what it gives.",
      scope: "write",
      liveOnly: true,
      answer: productSchema,
    },
    async ({ who, now, id }) => {
      await inTransaction(house.pool, async (tx) => {
        await lockProduct(tx, who, id());
        await mapSources(tx, who.accountId, id(), [], now);
        await tx.query("update product set archived_at = coalesce(archived_at, $3) where account_id = $1 and id = $2", [
          who.accountId,
          id(),
          new Date(now),
        ]);
      });
      return one(api, who, id());
    },
  );
}

/** @throws the problem `not_found` */
export async function lockProduct(tx: Tx, who: Who, id: string): Promise<{ name: string; config: ProductConfig }> {
  const { rows } = await tx.query<{ name: string; config: ProductConfig }>(
    "select name, config from product where account_id = $1 and id = $2 for update",
    [who.accountId, id],
  );
  if (!rows[0]) throw notFound("product");
  return rows[0];
}

async function one({ house }: Api, who: Who, id: string): Promise<z.input<typeof productSchema>> {
  const [row] = await productRows(house.pool, {
    accountId: who.accountId,
    mode: who.mode,
    id,
    archived: true,
    limit: 1,
  });
  if (!row) throw notFound("product");
  return shown(row);
}

function shown(row: ProductRow): z.input<typeof productSchema> {
  return {
    id: row.id,
    name: row.name,
    ...row.config,
    sources: row.sources ?? [],
    keys: { left: Number(row.keys_left), given: Number(row.keys_given) },
    created_at: iso(row.created_at),
    updated_at: iso(row.updated_at),
    archived_at: iso(row.archived_at),
  };
}

function changed(before: ProductConfig, changes: object): ProductConfig {
  const merged = { ...before, ...changes };
  return productConfig.parse(Object.fromEntries(Object.entries(merged).filter(([, value]) => value != null)));
}

/** The part of a product that decides over its items; texts of mails do not. */
function opens(config: ProductConfig): string {
  return JSON.stringify({ ...config, mails: null }, (_key, value: unknown) =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

async function checkReplaces(tx: Tx, who: Who, ids: readonly string[], self?: string): Promise<void> {
  if (ids.length === 0) return;
  const { rows } = await tx.query<{ id: string }>("select id from product where account_id = $1 and id = any($2)", [
    who.accountId,
    ids,
  ]);
  const known = new Set(rows.map((row) => row.id));
  if (ids.every((id) => known.has(id) && id !== self)) return;
  throw problem(422, "invalid_request", "replaces names a product that is not there, or the product itself.", {
    errors: [{ path: "replaces", message: "must name other products of this account" }],
  });
}

function refuseTaken(taken: readonly Source[]): void {
  if (taken.length === 0) return;
  const names = taken.map(({ protocol, product_id }) => `${protocol} ${product_id}`).join(", ");
  throw problem(409, "source_taken", `Already mapped to another product: ${names}.`);
}

/** An order being booked while the mapping was committed has not seen it; the second look finds it. */
async function adoptLate({ house }: Api, who: Who, productId: string, sources: readonly Source[]): Promise<void> {
  await house.applyDue();
  if (sources.length === 0) return;
  await inTransaction(house.pool, (tx) => waitForBookings(tx, who.accountId));
  const late = await inTransaction(house.pool, (tx) =>
    adoptItems(tx, who.accountId, productId, sources, house.clock()),
  );
  if (late > 0) await house.applyDue();
}
