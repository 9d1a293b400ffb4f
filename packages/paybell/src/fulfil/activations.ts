import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { PoolClient } from "pg";
import { accessAt } from "../access/access.ts";
import type { Context } from "../context.ts";
import { inTransaction } from "../db/transaction.ts";
import { newId } from "../domain/id.ts";
import type { ProductConfig } from "../domain/product.ts";
import type { ItemState } from "../ledger/fold.ts";
import type { Alarm } from "../ledger/alarm.ts";
import { addEvents, type Announcement } from "../send/events.ts";
import { ensureSpace } from "../send/retention.ts";
import { closeAlarms, raiseAlarms } from "./alarms.ts";
import { licenceAnnouncement } from "./announce-licences.ts";
import { licenceHash } from "./licence-rows.ts";

export type LicenceState = "active" | "suspended" | "ended";

/** Which licence is meant. Without an account the key alone says it: it is the bearer's word. */
export type LicenceAsked = {
  readonly key: string;
  /** ours; a key of another product is then as good as unknown */
  readonly productId?: string | undefined;
  readonly accountId?: string | undefined;
  readonly modes?: readonly Mode[] | undefined;
};

export type Activation = {
  readonly id: string;
  readonly machine: string;
  readonly name: string | null;
  readonly activated_at: Instant;
};

/** A given key as it stands. */
export type Licence = {
  readonly accountId: string;
  readonly id: string;
  readonly mode: Mode;
  readonly productId: string;
  readonly product: string;
  readonly state: LicenceState;
  readonly orderId: string;
  readonly itemId: string;
  readonly customerId: string;
  /** null: the customer was erased */
  readonly email: string | null;
  readonly providerProduct: { readonly id: string; readonly name: string | null };
  /** in order of time */
  readonly activations: readonly Activation[];
  /** null: no limit */
  readonly limit: number | null;
  /** machines more than the limit allows, since the quantity was lowered */
  readonly excess: number;
};

/** `unknown`: no such key was ever given; `ambiguous`: several sellers have it, so say which product. */
export type NoLicence = "unknown" | "ambiguous";

export type Activated =
  | { readonly activation: Activation; readonly licence: Licence }
  | { readonly refused: NoLicence | "suspended" | "ended" }
  | { readonly refused: "limit"; readonly licence: Licence };

/**
 * Makes a licence active on a machine. The same machine again is the same activation. Of two that race for the
 * last place one wins: the licence is locked.
 * Source: docs/rules.md, R22
 */
export async function activate(
  context: Context,
  asked: LicenceAsked & { readonly machine: string; readonly name?: string | undefined },
): Promise<Activated> {
  await ensureSpace(context.pool, context.clock());
  return inTransaction(context.pool, async (tx): Promise<Activated> => {
    const now = context.clock();
    const licence = await readLicence(context, tx, asked, now, true);
    if (typeof licence === "string") return { refused: licence };
    if (licence.state !== "active") return { refused: licence.state };
    await tellExcess(context, tx, licence, now);
    const known = licence.activations.find((one) => one.machine === asked.machine);
    if (known) return { activation: await rename(tx, licence, known, asked.name), licence };
    if (licence.limit !== null && licence.activations.length >= licence.limit) return { refused: "limit", licence };
    const activation = { id: newId(now), machine: asked.machine, name: asked.name ?? null, activated_at: now };
    await tx.query({
      name: "add_activation",
      text: `
        insert into activation (account_id, id, licence_id, machine, name, activated_at)
        values ($1, $2, $3, $4, $5, $6)`,
      values: [licence.accountId, activation.id, licence.id, activation.machine, activation.name, new Date(now)],
    });
    const after = { ...licence, activations: [...licence.activations, activation] };
    await addEvents(context, tx, [announced(after, "licence.activated", activation, now)]);
    return { activation, licence: after };
  });
}

/** The licence as it stands now. */
export async function inspectLicence(context: Context, asked: LicenceAsked): Promise<Licence | NoLicence> {
  const now = context.clock();
  const licence = await readLicence(context, context.pool, asked, now, false);
  if (typeof licence !== "string" && licence.excess > 0) {
    await ensureSpace(context.pool, now);
    await inTransaction(context.pool, (tx) => tellExcess(context, tx, licence, now));
  }
  return licence;
}

/** Frees a machine's place, in whatever state the licence is. @returns whether the machine had one */
export async function deactivate(
  context: Context,
  asked: LicenceAsked & { readonly machine: string },
): Promise<{ readonly deactivated: boolean; readonly licence: Licence } | NoLicence> {
  await ensureSpace(context.pool, context.clock());
  return inTransaction(context.pool, async (tx) => {
    const now = context.clock();
    const before = await readLicence(context, tx, asked, now, true);
    if (typeof before === "string") return before;
    const { rowCount } = await tx.query({
      name: "end_activation",
      text: `
        update activation set deactivated_at = $4
        where account_id = $1 and licence_id = $2 and machine = $3 and deactivated_at is null`,
      values: [before.accountId, before.id, asked.machine, new Date(now)],
    });
    const activations = before.activations.filter((one) => one.machine !== asked.machine);
    const licence = { ...before, activations, excess: excessOf(activations.length, before.limit) };
    if (before.excess > 0 && licence.excess === 0)
      await closeAlarms(tx, licence.accountId, ["licence_over_limit"], licence.id, now);
    const freed = before.activations.find((one) => one.machine === asked.machine);
    if (rowCount === 1 && freed) await addEvents(context, tx, [announced(licence, "licence.deactivated", freed, now)]);
    return { deactivated: rowCount === 1, licence };
  });
}

/** What the item's standing means for its key. An unpaid plan or a dispute may open it again. */
export function licenceState(state: ItemState, at: Instant): LicenceState {
  const { open, word } = accessAt(state, at);
  if (open) return "active";
  return word === "refunded" || word === "ended" || word === "none" || word === "failed" ? "ended" : "suspended";
}

/** Machines at once, for each unit bought; null: no limit. */
export function activationLimit(config: ProductConfig, state: ItemState): number | null {
  const each = config.licence?.activations;
  return each === undefined ? null : each * Math.max(1, state.quantity);
}

export function excessOf(used: number, limit: number | null): number {
  return limit === null ? 0 : Math.max(0, used - limit);
}

/** More machines than the order allows: nobody is thrown out, the operator is told. */
export function overLimitAlarm(licence: Licence, at: Instant): Alarm {
  return {
    accountId: licence.accountId,
    mode: licence.mode,
    kind: "licence_over_limit",
    key: licence.id,
    data: {
      licence_id: licence.id,
      product: licence.product,
      order_id: licence.orderId,
      used: licence.activations.length,
      limit: licence.limit,
      excess: licence.excess,
    },
    at,
  };
}

function announced(
  licence: Licence,
  type: "licence.activated" | "licence.deactivated",
  { id, machine, name }: Activation,
  at: Instant,
): Announcement {
  const { id: licenceId, providerProduct, productId, activations, limit, ...of } = licence;
  const product = { ...providerProduct, product_id: productId };
  const more = { activation_id: id, machine, name, activations: { used: activations.length, limit } };
  return licenceAnnouncement({ ...of, licenceId, product }, type, at, more);
}

async function tellExcess(context: Context, tx: PoolClient, licence: Licence, now: Instant): Promise<void> {
  if (licence.excess > 0) await raiseAlarms(context, tx, [overLimitAlarm(licence, now)]);
}

async function rename(
  tx: PoolClient,
  licence: Licence,
  known: Activation,
  name: string | undefined,
): Promise<Activation> {
  if (name === undefined || name === known.name) return known;
  await tx.query("update activation set name = $3 where account_id = $1 and id = $2", [
    licence.accountId,
    known.id,
    name,
  ]);
  return { ...known, name };
}

type LicenceRow = {
  account_id: string;
  id: string;
  mode: Mode;
  product_id: string;
  product: string;
  config: ProductConfig;
  state: ItemState | null;
  order_id: string;
  contact_email: string;
  item_id: string;
  customer_id: string;
  product_key: string;
  product_name: string | null;
};

/** Keys still in the pool are nobody's, and unknown. */
async function readLicence(
  { seal }: Pick<Context, "seal">,
  tx: Pick<PoolClient, "query">,
  asked: LicenceAsked,
  at: Instant,
  lock: boolean,
): Promise<Licence | NoLicence> {
  const { rows } = await tx.query<LicenceRow>({
    name: lock ? "lock_licence" : "read_licence",
    text: `
      select l.account_id, l.id, l.mode, l.product_id, p.name as product, p.config, nullif(i.state, '{}') as state,
             o.order_id, o.contact_email, i.id as item_id, i.customer_id, i.product_key, i.product_name
      from licence l
      join product p on p.account_id = l.account_id and p.id = l.product_id
      join item i on i.account_id = l.account_id and i.id = l.item_id
      join orders o on o.account_id = i.account_id and o.id = i.order_row
      where l.hash = $1
        and ($2::uuid is null or l.account_id = $2)
        and ($3::text[] is null or l.mode = any($3))
        and ($4::uuid is null or l.product_id = $4)
      order by l.account_id
      limit 2 ${lock ? "for update of l" : ""}`,
    values: [licenceHash({ seal }, asked.key), asked.accountId ?? null, asked.modes ?? null, asked.productId ?? null],
  });
  const row = rows[0];
  if (!row?.state) return "unknown";
  if (rows.length > 1) return "ambiguous";
  // Read after the lock, so that it sees what the one who held it before has added.
  const { rows: activations } = await tx.query<Activation>({
    name: "live_activations",
    text: `
      select id, machine, name, activated_at from activation
      where account_id = $1 and licence_id = $2 and deactivated_at is null
      order by id`,
    values: [row.account_id, row.id],
  });
  const limit = activationLimit(row.config, row.state);
  return {
    accountId: row.account_id,
    id: row.id,
    mode: row.mode,
    productId: row.product_id,
    product: row.product,
    state: licenceState(row.state, at),
    orderId: row.order_id,
    itemId: row.item_id,
    customerId: row.customer_id,
    email: row.contact_email || null,
    providerProduct: { id: row.product_key, name: row.product_name },
    activations,
    limit,
    excess: excessOf(activations.length, limit),
  };
}
