import { wholeOrder } from "@paybell/protocols/domain/fact";
import type { Instant } from "@paybell/protocols/domain/day";
import type { PoolClient } from "pg";
import { replacedAt } from "../access/entitlements.ts";
import { announced, announceEntitlements, type CustomerItem } from "../access/announce.ts";
import type { Context } from "../context.ts";
import { together } from "../db/transaction.ts";
import { groupBy } from "../domain/group.ts";
import { raiseAlarms } from "../fulfil/alarms.ts";
import type { Alarm } from "./alarm.ts";
import { handOver } from "../fulfil/hand-over.ts";
import { licenceChanges } from "../fulfil/licence-changes.ts";
import { takeLicences } from "../fulfil/licence-rows.ts";
import type { StoredNotification } from "../record/stored.ts";
import { addEvents } from "../send/events.ts";
import { announceFacts } from "./announce.ts";
import { customerCreated } from "./announce-customers.ts";
import { type Computed, compute } from "./compute.ts";
import { addFacts, factsOfOrders, type NewFact, sameContent } from "./fact-rows.ts";
import { type Held, itemsHeldBy, lockCustomers } from "./held-rows.ts";
import { writeItems } from "./item-rows.ts";
import {
  type NotificationState,
  ofErasedCustomers,
  redactErased,
  writeNotificationStates,
} from "./notification-rows.ts";
import { matchOrders } from "./match.ts";
import { shareOut } from "./share.ts";
import type { LedgerFact } from "./ledger-fact.ts";
import { decideModes } from "./mode.ts";
import { itemKey, itemsFor, ordersFor } from "./order-rows.ts";
import { signedReference } from "./reference.ts";

/**
 * Books notifications and everything they cause, in the caller's transaction: facts, state, entitlements,
 * keys, mails, and what is announced of it. Also called without any, for items the clock (or a mapping) has changed.
 * Doing it again changes nothing.
 */
export async function apply(
  context: Context,
  tx: PoolClient,
  arrived: readonly StoredNotification[],
  touched: readonly { accountId: string; itemId: string }[],
): Promise<void> {
  const { named, unmatched } = await matchOrders(tx, await decideModes(tx, arrived));
  const speaking = named.filter((one) => one.reading.facts.length > 0);
  const { orders, made } = await ordersFor(tx, speaking, (one) =>
    signedReference(context.seal, one.accountId, one.reading.buyer.reference),
  );
  const places = [...orders, ...(await placesOfItems(tx, touched))];
  const incoming = speaking.flatMap((notification, index) =>
    notification.reading.facts.map((fact) => ({ notification, fact, order: orders[index]! })),
  );
  const [erased, items] = await together(tx, () => Promise.all([lockCustomers(tx, places), itemsFor(tx, incoming)]));
  const rows = incoming.map(
    ({ notification, fact, order }): NewFact => ({
      ...notification,
      itemId: items.get(itemKey(order.id, fact.productId))!,
      fact,
      arrivedAt: notification.receivedAt,
      notificationId: notification.id,
    }),
  );
  const orderRows = new Set(places.map((place) => place.id));
  // From here on everything is read under the lock, and after the facts were added: one connection keeps the order.
  const [added, held, facts, before] = await together(tx, () =>
    Promise.all([addFacts(tx, rows), itemsHeldBy(tx, places), factsOfOrders(tx, places), announced(tx, places)]),
  );

  const ofOrders = held.filter((item) => orderRows.has(item.order.row));
  const shared = shareOut(ofOrders, facts);
  const affected = ofOrders.filter((item) => item.productKey !== wholeOrder);
  const byOrder = groupBy(affected, (item) => item.order.row);
  const computed = affected.map((item) => {
    const siblings = byOrder.get(item.order.row)!;
    const orderFacts = siblings.flatMap((sibling) => shared.get(sibling.id) ?? []);
    return compute(context, item, shared.get(item.id) ?? [], orderFacts, earliest(orderFacts, added));
  });
  const conflicts = rows.filter((row) => contradicts(row, facts.get(row.itemId) ?? []));

  const licences = await takeLicences(context, tx, computed);
  const told = await announceFacts(context, tx, computed, added, speaking);
  await together(tx, () => {
    const customers = heldItems(held, computed);
    const { entitlements, events, written: announcedNow } = announceEntitlements(tx, customers, before);
    const { done, written: handedOver } = handOver(
      context,
      tx,
      computed,
      licences,
      entitlements,
      replacedOf(customers),
      held,
    );
    const items = computed.map((item) => ({
      ...item,
      effects: [...item.held.effects, ...(done.get(item.held.id) ?? []), ...(told.marks.get(item.held.id) ?? [])],
      tellAt: told.tellAt.get(item.held.id),
    }));
    const alarms = [...computed.flatMap(alarmsOf), ...conflicts.map(conflictAlarm), ...licences.alarms];
    const announcements = [
      ...made.map(customerCreated),
      ...told.events,
      ...licenceChanges(computed, licences.issued),
      ...events,
    ];
    return Promise.all([
      announcedNow,
      addEvents(context, tx, announcements),
      handedOver,
      writeItems(tx, items),
      raiseAlarms(context, tx, alarms),
      writeNotificationStates(tx, notificationStates(named, unmatched, computed, conflicts)),
    ]);
  });
  await redactErased(tx, [
    ...speaking.filter((_, index) => erased.has(orders[index]!.customerId)),
    ...(await ofErasedCustomers(
      tx,
      named.filter((one) => one.reading.facts.length === 0),
    )),
  ]);
}

type Place = { readonly accountId: string; readonly id: string; readonly customerId: string };

/** The same fact with other content: the first stays. */
function contradicts(row: NewFact, booked: readonly LedgerFact[]): boolean {
  const known = booked.find((fact) => fact.identity === row.fact.identity);
  return known !== undefined && known.notificationId !== row.notificationId && !sameContent(known, row.fact);
}

function conflictAlarm(row: NewFact): Alarm {
  return {
    accountId: row.accountId,
    mode: row.mode,
    kind: "fact_conflict",
    key: `${row.fact.identity}:${row.notificationId}`,
    data: { notification_id: row.notificationId, identity: row.fact.identity },
    at: row.arrivedAt,
  };
}

function replacedOf(customers: readonly CustomerItem[]): Set<string> {
  const replaced = [...groupBy(customers, ({ held }) => held.customer.id).values()].map((own) =>
    replacedAt(
      own.flatMap(({ item }) => item ?? []),
      own[0]!.now,
    ),
  );
  return new Set(replaced.flatMap((ids) => [...ids]));
}

/** Every item of the customers, those just computed with their new state. */
function heldItems(held: readonly Held[], computed: readonly Computed[]): CustomerItem[] {
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

function earliest(facts: readonly LedgerFact[], added: ReadonlySet<string>): Instant | null {
  const times = facts.filter((fact) => added.has(fact.id)).map((fact) => fact.arrivedAt);
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
  named: readonly StoredNotification[],
  unmatched: readonly StoredNotification[],
  computed: readonly Computed[],
  conflicts: readonly NewFact[],
): NotificationState[] {
  const states = new Map<string, NotificationState>();
  for (const one of [...named, ...unmatched]) {
    const state = one.reading.facts.length === 0 ? "ignored" : "applied";
    states.set(one.id, { accountId: one.accountId, id: one.id, state, reason: null });
  }
  for (const one of unmatched.filter((one) => one.reading.facts.length > 0))
    states.set(one.id, { accountId: one.accountId, id: one.id, state: "waiting", reason: "order_unknown" });
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
  for (const { notificationId } of conflicts) {
    const known = notificationId === null ? undefined : states.get(notificationId);
    if (known) states.set(known.id, { ...known, state: "waiting", reason: "fact_conflict" });
  }
  return [...states.values()];
}

/** The orders of these items. */
async function placesOfItems(
  tx: PoolClient,
  touched: readonly { accountId: string; itemId: string }[],
): Promise<Place[]> {
  if (touched.length === 0) return [];
  const { rows } = await tx.query<{ account_id: string; id: string; customer_id: string }>({
    name: "orders_of_items",
    text: `
      select i.account_id, i.order_row as id, i.customer_id
      from unnest($1::uuid[], $2::uuid[]) as t (account_id, id)
      join item i on i.account_id = t.account_id and i.id = t.id`,
    values: [touched.map((one) => one.accountId), touched.map((one) => one.itemId)],
  });
  return rows.map((row) => ({ accountId: row.account_id, id: row.id, customerId: row.customer_id }));
}
