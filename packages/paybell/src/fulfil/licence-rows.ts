import { randomInt } from "node:crypto";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { PoolClient } from "pg";
import { accessAt } from "../access/access.ts";
import type { Context } from "../context.ts";
import { transpose } from "../db/rows.ts";
import { newId } from "../domain/id.ts";
import { groupBy } from "../domain/group.ts";
import { defaults } from "../domain/settings.ts";
import type { Computed } from "../ledger/compute.ts";
import type { Alarm } from "../ledger/alarm.ts";

export type ItemLicence = {
  /** null: the pool is empty, the key follows */ readonly key: string | null;
  readonly fresh: boolean;
};

export type Licences = { readonly of: ReadonlyMap<string, ItemLicence>; readonly alarms: readonly Alarm[] };

/** `issued`, by item: ids of the licences given just now */
export type TakenLicences = Licences & { readonly issued: ReadonlyMap<string, string> };

type Taken = { readonly id: string; readonly key: string };

/**
 * Gives every open item of a product with keys its key, once and for good: from the pool in order of upload,
 * or made from the product's pattern. Test orders never touch the pool.
 */
export async function takeLicences(
  context: Context,
  tx: PoolClient,
  computed: readonly Computed[],
): Promise<TakenLicences> {
  const of = new Map<string, ItemLicence>();
  const issued = new Map<string, string>();
  const alarms: Alarm[] = [];
  const wanting = computed.filter(({ held }) => held.product?.config.licence);
  for (const items of groupBy(wanting, ({ held }) => `${held.accountId} ${held.mode} ${held.product!.id}`).values()) {
    const first = items[0]!.held;
    const missing = items.filter(({ held, state, now }) => held.licenceId === null && accessAt(state, now).open);
    const pattern =
      first.product!.config.licence!.pattern ?? (first.mode === "test" ? "TEST-XXXX-XXXX-XXXX" : undefined);
    const keys = pattern ? await makeKeys(context, tx, missing, pattern) : await takeFromPool(context, tx, missing);
    for (const [index, { held }] of missing.entries()) {
      const taken = keys[index];
      of.set(held.id, { key: taken?.key ?? null, fresh: taken !== undefined });
      if (taken) issued.set(held.id, taken.id);
    }
    if (!pattern && missing.length > 0)
      alarms.push(...(await poolAlarms(tx, missing[0]!, keys.length < missing.length)));
  }
  const given = wanting
    .filter(({ held, effects }) => held.licenceId !== null && effects.length > 0)
    .map(({ held }) => held);
  if (given.length > 0) {
    const { rows } = await tx.query<{ id: string; item_id: string; sealed: Buffer }>({
      name: "licences_of_items",
      text: `
        select l.id, l.item_id, l.sealed from unnest($1::uuid[], $2::uuid[]) as t (account_id, item_id)
        join licence l on l.account_id = t.account_id and l.item_id = t.item_id`,
      values: [given.map((one) => one.accountId), given.map((one) => one.id)],
    });
    for (const row of rows)
      of.set(row.item_id, { key: context.seal.open(row.sealed, `licence:${row.id}`), fresh: false });
  }
  return { of, alarms, issued };
}

/** Rows for keys the seller uploads or we make. @returns the rows' values: id, hash and sealed */
export function licenceRow(
  context: Pick<Context, "seal">,
  key: string,
  at: number,
): { id: string; hash: Buffer; sealed: Buffer } {
  const id = newId(at);
  return { id, hash: licenceHash(context, key), sealed: context.seal.seal(key, `licence:${id}`) };
}

/** Keys are compared without case, spaces and hyphens: people type them. */
export function licenceHash(context: Pick<Context, "seal">, key: string): Buffer {
  return context.seal.hash(key.replace(/[\s-]/g, "").toUpperCase(), "licence");
}

async function makeKeys(
  context: Context,
  tx: PoolClient,
  missing: readonly Computed[],
  pattern: string,
): Promise<Taken[]> {
  if (missing.length === 0) return [];
  const made = missing.map(({ now }) => {
    const key = pattern.replaceAll("X", () => alphabet[randomInt(alphabet.length)]!);
    return { key, ...licenceRow(context, key, now) };
  });
  await tx.query({
    name: "make_licences",
    text: `
      insert into licence (account_id, id, mode, product_id, item_id, hash, sealed, created_at, given_at)
      select account_id, id, mode, product_id, item_id, hash, sealed, at, at
      from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::bytea[], $7::bytea[], $8::timestamptz[])
        as t (account_id, id, mode, product_id, item_id, hash, sealed, at)`,
    values: transpose(
      missing.map(({ held, now }, index) => {
        const { id, hash, sealed } = made[index]!;
        return [held.accountId, id, held.mode, held.product!.id, held.id, hash, sealed, new Date(now)];
      }),
    ),
  });
  return made;
}

async function takeFromPool(context: Context, tx: PoolClient, missing: readonly Computed[]): Promise<Taken[]> {
  if (missing.length === 0) return [];
  const { held, now } = missing[0]!;
  const { rows } = await tx.query<{ id: string; sealed: Buffer }>({
    name: "free_licences",
    text: `
      select id, sealed from licence
      where account_id = $1 and product_id = $2 and mode = $3 and item_id is null
      order by position limit $4
      for update skip locked`,
    values: [held.accountId, held.product!.id, held.mode, missing.length],
  });
  await tx.query({
    name: "give_licences",
    text: `
      update licence l set item_id = t.item_id, given_at = $4
      from unnest($2::uuid[], $3::uuid[]) as t (id, item_id)
      where l.account_id = $1 and l.id = t.id`,
    values: [
      held.accountId,
      rows.map((row) => row.id),
      missing.slice(0, rows.length).map((one) => one.held.id),
      new Date(now),
    ],
  });
  return rows.map((row) => ({ id: row.id, key: context.seal.open(row.sealed, `licence:${row.id}`) }));
}

async function poolAlarms(tx: PoolClient, { held, now }: Computed, empty: boolean): Promise<Alarm[]> {
  const left = await poolLevel(tx, held.accountId, held.product!.id, held.mode);
  const base = {
    accountId: held.accountId,
    mode: held.mode,
    key: held.product!.id,
    at: now,
    data: { product_id: held.product!.id, product: held.product!.name, left },
  };
  const low = left <= (held.account.settings.key_pool_warning ?? defaults.key_pool_warning);
  return [
    ...(low ? [{ ...base, kind: "key_pool_low" as const }] : []),
    ...(empty ? [{ ...base, kind: "key_pool_empty" as const }] : []),
  ];
}

/** Keys left in the pool. */
export async function poolLevel(
  tx: Pick<PoolClient, "query">,
  accountId: string,
  productId: string,
  mode: Mode,
): Promise<number> {
  const { rows } = await tx.query<{ left: bigint }>({
    name: "pool_level",
    text: `select count(*) as left from licence where account_id = $1 and product_id = $2 and mode = $3 and item_id is null`,
    values: [accountId, productId, mode],
  });
  return Number(rows[0]?.left ?? 0);
}

/** Without letters and digits that look alike. */
const alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
