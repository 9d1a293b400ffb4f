import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { Tx } from "../db/transaction.ts";
import { type AddressOptions, sealedAddress, sealedAddressFor } from "../domain/address.ts";
import type { House } from "../house.ts";
import type { Address } from "./address-fields.ts";

/** An outgoing connection's address, how it is served and how it does. */
export type AddressRow = {
  id: string;
  format: string;
  mode: Mode;
  sealed: Buffer;
  types: string[] | null;
  products: string[] | null;
  min_minor: bigint | null;
  max_minor: bigint | null;
  currency: string | null;
  ordered: boolean;
  options: AddressOptions;
  paused_at: Instant | null;
  disabled_at: Instant | null;
  disabled_reason: string | null;
  failures: number;
  failing_since: Instant | null;
  open_until: Instant | null;
  last_sent_at: Instant | null;
  last_failure: { at: string; code: string; sentence: string; status: number | null } | null;
  waiting: number;
};

const columns = `a.id, a.format, a.mode, a.sealed, a.types, a.products, a.min_minor, a.max_minor, a.currency, a.ordered, a.options,
  l.paused_at, l.disabled_at, l.disabled_reason, l.failures, l.failing_since, l.open_until, l.last_sent_at, l.last_failure`;

/** With what waits for each: counting stops at 10,000. */
export async function addressRows(
  { pool }: Pick<House, "pool">,
  accountId: string,
  ids: readonly string[],
): Promise<AddressRow[]> {
  if (ids.length === 0) return [];
  const { rows } = await pool.query<AddressRow>(
    `select ${columns}, w.waiting
     from address a join lane l on l.account_id = a.account_id and l.id = a.id
     cross join lateral (
       select count(*)::integer as waiting
       from (select 1 from delivery d where d.lane_id = a.id and d.state = 'due' limit 10000) d) w
     where a.account_id = $1 and a.id = any($2)`,
    [accountId, ids],
  );
  return rows;
}

/** Locked until the transaction ends, so that two changes at once do not undo each other. */
export async function lockAddress(
  tx: Tx,
  of: { readonly accountId: string; readonly modes: readonly Mode[]; readonly id: string },
): Promise<AddressRow | undefined> {
  const { rows } = await tx.query<AddressRow>(
    `select ${columns}, 0 as waiting
     from address a join lane l on l.account_id = a.account_id and l.id = a.id
     where a.account_id = $1 and a.id = $2 and a.mode = any($3) for update of a`,
    [of.accountId, of.id, of.modes],
  );
  return rows[0];
}

export function addressOf({ seal }: Pick<House, "seal">, row: AddressRow): Address {
  return {
    target: sealedAddress.parse(JSON.parse(seal.open(row.sealed, sealedAddressFor(row.id)))),
    types: row.types,
    products: row.products,
    minMinor: row.min_minor === null ? null : Number(row.min_minor),
    maxMinor: row.max_minor === null ? null : Number(row.max_minor),
    currency: row.currency,
    ordered: row.ordered,
    options: row.options,
  };
}

/** Its lane too, so that what is written from now on has somewhere to wait. */
export async function insertAddress(
  { seal }: Pick<House, "seal">,
  tx: Tx,
  of: { readonly accountId: string; readonly id: string; readonly mode: Mode; readonly format: string },
  address: Address,
  now: Instant,
): Promise<void> {
  await tx.query("insert into lane (account_id, id, transport) values ($1, $2, 'http')", [of.accountId, of.id]);
  await tx.query(
    `insert into address (account_id, id, mode, format, sealed, types, products, min_minor, max_minor, currency, ordered, options, updated_at)
     values ($1, $2, $12, $13, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [...addressValues(seal, of.accountId, of.id, address, now), of.mode, of.format],
  );
}

export async function updateAddress(
  { seal }: Pick<House, "seal">,
  tx: Tx,
  of: { readonly accountId: string; readonly id: string },
  address: Address,
  now: Instant,
): Promise<void> {
  await tx.query(
    `update address set sealed = $3, types = $4, products = $5, min_minor = $6, max_minor = $7, currency = $8,
       ordered = $9, options = $10, updated_at = $11
     where account_id = $1 and id = $2`,
    addressValues(seal, of.accountId, of.id, address, now),
  );
}

function addressValues(seal: House["seal"], accountId: string, id: string, address: Address, now: Instant): unknown[] {
  return [
    accountId,
    id,
    seal.seal(JSON.stringify(address.target), sealedAddressFor(id)),
    address.types,
    address.products,
    address.minMinor,
    address.maxMinor,
    address.currency,
    address.ordered,
    JSON.stringify(address.options),
    new Date(now),
  ];
}

/**
 * Tells whoever holds the lane that something about it changed; switches it on or off.
 * @param change.afresh its failures are forgotten: it is switched on again, or leads somewhere else
 */
export async function changeLane(
  tx: Tx,
  of: { readonly accountId: string; readonly id: string },
  change: { readonly paused?: boolean | undefined; readonly disabled?: boolean | undefined; readonly afresh?: boolean },
  now: Instant,
): Promise<void> {
  await tx.query(
    `update lane set version = version + 1,
       paused_at = case when $3::boolean is null then paused_at when $3 then coalesce(paused_at, $6) end,
       disabled_at = case when $4::boolean is null then disabled_at when $4 then coalesce(disabled_at, $6) end,
       disabled_reason = case when $4::boolean is null then disabled_reason when $4 then coalesce(disabled_reason, 'operator') end,
       failures = case when $5 then 0 else failures end,
       failing_since = case when $5 then null else failing_since end,
       open_until = case when $5 then null else open_until end,
       told = case when $5 then 0 else told end
     where account_id = $1 and id = $2`,
    [of.accountId, of.id, change.paused ?? null, change.disabled ?? null, change.afresh ?? false, new Date(now)],
  );
}

/** Takes the address and its secrets away. What was sent there stays readable. @returns undefined: there is none */
export async function removeAddress(
  tx: Tx,
  of: { readonly accountId: string; readonly modes: readonly Mode[]; readonly id: string },
  now: Instant,
): Promise<{ mode: Mode; created_at: Instant } | undefined> {
  const { rows } = await tx.query<{ mode: Mode; created_at: Instant }>(
    `update connection set removed_at = $4
     where account_id = $1 and id = $2 and mode = any($3) and direction = 'out' and removed_at is null
     returning mode, created_at`,
    [of.accountId, of.id, of.modes, new Date(now)],
  );
  if (!rows[0]) return undefined;
  await tx.query("delete from address where account_id = $1 and id = $2", [of.accountId, of.id]);
  await tx.query("delete from connection_secret where account_id = $1 and connection_id = $2", [of.accountId, of.id]);
  await changeLane(tx, of, { disabled: true }, now);
  return rows[0];
}
