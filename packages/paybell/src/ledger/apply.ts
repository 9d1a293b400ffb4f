import type { Instant } from "@paybell/protocols/domain/day";
import type { PoolClient } from "pg";
import type { HeldItem } from "../access/entitlements.ts";
import { announceEntitlements } from "../access/announce.ts";
import type { Context } from "../context.ts";
import { groupBy } from "../domain/group.ts";
import { raiseAlarms, type Alarm } from "../fulfil/alarms.ts";
import { handOver } from "../fulfil/hand-over.ts";
import { takeLicences } from "../fulfil/licence-rows.ts";
import type { StoredNotification } from "../record/stored.ts";
import { type Computed, compute } from "./compute.ts";
import { addFacts, factsOf, sameContent } from "./fact-rows.ts";
import { type Held, itemsHeldBy, lockCustomers } from "./held-rows.ts";
import { writeItems } from "./item-rows.ts";
import {
  type NotificationState,
  ofErasedCustomers,
  redactErased,
  writeNotificationStates,
} from "./notification-rows.ts";
import { decideModes } from "./mode.ts";
import { itemKey, itemsFor, ordersFor } from "./order-rows.ts";
import { signedReference } from "./reference.ts";

/**
 * Books notifications and everything they cause, in the caller's transaction: facts, state, entitlements,
 * keys, mails. Also called without any, for items the clock (or a mapping) has changed.
 * Doing it again changes nothing.
 */
export async function apply(
  context: Context,
  tx: PoolClient,
  arrived: readonly StoredNotification[],
  touched: readonly { accountId: string; itemId: string }[],
): Promise<void> {
  const batch = await decideModes(tx, arrived);
  const speaking = batch.filter((one) => one.reading.facts.length > 0);
  const orders = await ordersFor(tx, speaking, (one) =>
    signedReference(context.seal, one.accountId, one.reading.buyer.reference),
  );
  const customers = [...orders, ...(await customersOfItems(tx, touched))];
  const erased = await lockCustomers(tx, customers);

  const incoming = speaking.flatMap((notification, index) =>
    notification.reading.facts.map((fact) => ({ notification, fact, order: orders[index]! })),
  );
  const items =
    incoming.length === 0
      ? new Map<string, string>()
      : await itemsFor(
          tx,
          incoming.map(({ notification, fact, order }) => ({
            order,
            protocol: notification.protocol,
            productKey: fact.productId,
            productName: fact.productName,
            at: notification.receivedAt,
          })),
        );
  const rows = incoming.map(({ notification, fact, order }) => ({
    accountId: notification.accountId,
    itemId: items.get(itemKey(order.id, fact.productId))!,
    protocol: notification.protocol,
    providerAccount: notification.providerAccount,
    mode: notification.mode,
    fact,
    arrivedAt: notification.receivedAt,
    notificationId: notification.id,
  }));
  const added = await addFacts(tx, rows);

  const held = await itemsHeldBy(tx, customers);
  const touchedIds = new Set([...rows.map((row) => row.itemId), ...touched.map((one) => one.itemId)]);
  const orderRows = new Set(held.filter((item) => touchedIds.has(item.id)).map((item) => item.order.row));
  const affected = held.filter((item) => orderRows.has(item.order.row));
  const facts = await factsOf(
    tx,
    affected.map((item) => item.accountId),
    affected.map((item) => item.id),
  );

  const fresh = new Map<string, Instant>();
  for (const row of rows) {
    if (added.has(`${row.accountId} ${row.fact.identity}`))
      fresh.set(row.itemId, Math.min(fresh.get(row.itemId) ?? row.arrivedAt, row.arrivedAt));
  }
  const byOrder = groupBy(affected, (item) => item.order.row);
  const computed = affected.map((item) => {
    const orderFacts = byOrder.get(item.order.row)!.flatMap((sibling) => facts.get(sibling.id) ?? []);
    return compute(context, item, facts.get(item.id) ?? [], orderFacts, earliest(byOrder.get(item.order.row)!, fresh));
  });

  const conflicts = rows.filter((row) => {
    const known = facts.get(row.itemId)?.find((fact) => fact.identity === row.fact.identity);
    return known && known.notificationId !== row.notificationId && !sameContent(known, row.fact);
  });
  const alarms = [
    ...computed.flatMap(alarmsOf),
    ...conflicts.map(
      (row): Alarm => ({
        accountId: row.accountId,
        mode: row.mode,
        kind: "fact_conflict",
        key: `${row.fact.identity}:${row.notificationId}`,
        data: { notification_id: row.notificationId, identity: row.fact.identity },
        at: row.arrivedAt,
      }),
    ),
  ];

  const licences = await takeLicences(context, tx, computed);
  const entitled = heldItems(held, computed);
  const entitlements = await announceEntitlements(tx, entitled);
  const done = await handOver(context, tx, computed, licences, entitlements);
  await writeItems(
    tx,
    computed.map((item) => ({ ...item, effects: [...item.held.effects, ...(done.get(item.held.id) ?? [])] })),
  );
  await raiseAlarms(context, tx, [...alarms, ...licences.alarms]);
  await writeNotificationStates(
    tx,
    notificationStates(
      batch,
      computed,
      conflicts.map((row) => row.notificationId),
    ),
  );
  await redactErased(
    tx,
    speaking.filter((_, index) => erased.has(orders[index]!.customerId)),
  );
  await redactErased(
    tx,
    await ofErasedCustomers(
      tx,
      batch.filter((one) => one.reading.facts.length === 0),
    ),
  );
}

/** Every item of the customers, those just computed with their new state. */
function heldItems(
  held: readonly Held[],
  computed: readonly Computed[],
): { held: Held; item: HeldItem | null; now: Instant }[] {
  const states = new Map(computed.map((one) => [one.held.id, one]));
  const now = Math.max(0, ...computed.map((one) => one.now));
  return held.map((item) => {
    const state = states.get(item.id)?.state ?? item.state;
    return {
      held: item,
      item: item.product && state ? { itemId: item.id, orderId: item.order.id, product: item.product, state } : null,
      now,
    };
  });
}

function earliest(items: readonly Held[], fresh: ReadonlyMap<string, Instant>): Instant | null {
  const times = items.flatMap((item) => fresh.get(item.id) ?? []);
  return times.length === 0 ? null : Math.min(...times);
}

function alarmsOf({ held, state, facts, now }: Computed): Alarm[] {
  const base = { accountId: held.accountId, mode: held.mode, at: now };
  const unmapped: Alarm[] = held.product
    ? []
    : [
        {
          ...base,
          kind: "product_unmapped",
          key: `${held.protocol}:${held.productKey}`,
          data: {
            protocol: held.protocol,
            product_id: held.productKey,
            product_name: held.productName,
            order_id: held.order.id,
          },
        },
      ];
  return [
    ...unmapped,
    ...state.remarks.map(
      (remark): Alarm => ({
        ...base,
        kind: remark.kind,
        key: facts.find((fact) => fact.id === remark.fact)?.identity ?? remark.fact,
        data: { order_id: held.order.id, product_id: held.productKey },
      }),
    ),
  ];
}

function notificationStates(
  batch: readonly StoredNotification[],
  computed: readonly Computed[],
  conflicts: readonly string[],
): NotificationState[] {
  const states = new Map<string, NotificationState>();
  for (const one of batch) {
    const state = one.reading.facts.length === 0 ? "ignored" : "applied";
    states.set(one.id, { accountId: one.accountId, id: one.id, state, reason: null });
  }
  for (const { held, state, facts, waiting } of computed) {
    const settled = held.waiting !== null || waiting !== null;
    for (const fact of facts) {
      if (fact.notificationId === null || !(settled || states.has(fact.notificationId))) continue;
      const reason = held.product ? (state.waiting[fact.id] ?? null) : "product_unmapped";
      const known = states.get(fact.notificationId);
      if (known?.state === "waiting") continue;
      states.set(fact.notificationId, {
        accountId: held.accountId,
        id: fact.notificationId,
        state: reason ? "waiting" : "applied",
        reason,
      });
    }
  }
  for (const id of conflicts) {
    const known = states.get(id);
    if (known) states.set(id, { ...known, state: "waiting", reason: "fact_conflict" });
  }
  return [...states.values()];
}

async function customersOfItems(
  tx: PoolClient,
  touched: readonly { accountId: string; itemId: string }[],
): Promise<{ accountId: string; customerId: string }[]> {
  if (touched.length === 0) return [];
  const { rows } = await tx.query<{ account_id: string; customer_id: string }>({
    name: "customers_of_items",
    text: `
      select distinct i.account_id, i.customer_id
      from unnest($1::uuid[], $2::uuid[]) as t (account_id, id) join item i on i.account_id = t.account_id and i.id = t.id`,
    values: [touched.map((one) => one.accountId), touched.map((one) => one.itemId)],
  });
  return rows.map((row) => ({ accountId: row.account_id, customerId: row.customer_id }));
}
