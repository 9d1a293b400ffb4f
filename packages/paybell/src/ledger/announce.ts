import type { Instant } from "@paybell/protocols/domain/day";
import type { PoolClient } from "pg";
import type { Context } from "../context.ts";
import { groupBy } from "../domain/group.ts";
import type { StoredNotification } from "../record/stored.ts";
import { keptById, readAgain } from "../record/stored-rows.ts";
import type { Announcement } from "../send/events.ts";
import { announcementOf, orderCompleted, orderCreated, type Said } from "./announce-facts.ts";
import { type Computed, foldSettings } from "./compute.ts";
import type { LedgerFact } from "./ledger-fact.ts";
import { planOf } from "./plan.ts";
import { type Telling, tellingOf } from "./telling.ts";

/**
 * What is to be announced of orders whose facts were just booked.
 * @param computed all items of these orders
 * @param added ids of the facts just booked
 * @param arrived the notifications they came with
 * @returns by item: `marks` it remembers, as they are told once; `tellAt`: when what waits is told
 */
export async function announceFacts(
  context: Pick<Context, "timeZone">,
  tx: Pick<PoolClient, "query">,
  computed: readonly Computed[],
  added: ReadonlySet<string>,
  arrived: readonly StoredNotification[],
): Promise<{
  readonly events: readonly Announcement[];
  readonly marks: ReadonlyMap<string, readonly string[]>;
  readonly tellAt: ReadonlyMap<string, Instant>;
}> {
  const readings = new Map(arrived.map((one) => [one.id, one.reading]));
  const silent = (fact: LedgerFact) => readings.get(fact.notificationId ?? "")?.mode === undefined;
  const orders = groupBy(computed, ({ held }) => held.order.row);
  const tellings = [...orders.values()].map((order) => tellingOf(order, added, silent));
  const said = await saidOf(tx, tellings, readings);
  return {
    events: tellings.flatMap((telling) => announcementsOf(context, telling, said)),
    marks: new Map(tellings.flatMap(({ marks }) => [...marks])),
    tellAt: new Map(tellings.flatMap(({ tellAt }) => [...tellAt])),
  };
}

/** What stands beside the facts, by notification. Those of an announcement that waited are read again. */
async function saidOf(
  tx: Pick<PoolClient, "query">,
  tellings: readonly Telling[],
  readings: ReadonlyMap<string, Said>,
): Promise<ReadonlyMap<string, Said>> {
  const said = new Map(readings);
  const waited = tellings
    .flatMap(({ facts }) => facts)
    .filter(({ fact }) => fact.notificationId !== null && !said.has(fact.notificationId));
  for (const [accountId, own] of groupBy(waited, ({ item }) => item.held.accountId)) {
    const ids = own.flatMap(({ fact }) => fact.notificationId ?? []);
    for (const row of await keptById(tx, accountId, [...new Set(ids)])) {
      const stored = readAgain(row);
      if (stored) said.set(row.id, stored.reading);
    }
  }
  return said;
}

function announcementsOf(
  context: Pick<Context, "timeZone">,
  { created, facts, completed }: Telling,
  said: ReadonlyMap<string, Said>,
): Announcement[] {
  const planOfItem = ({ held, facts: own }: Computed) => planOf(own, foldSettings(context, held).rules);
  const first = facts[0]?.item;
  return [
    ...(created && first ? [orderCreated(first.held, first.now)] : []),
    ...facts.flatMap(({ item, fact }) => {
      const known = () => planOfItem(item);
      return announcementOf(item.held, fact, said.get(fact.notificationId ?? ""), known) ?? [];
    }),
    ...completed.map((item) => orderCompleted(item.held, planOfItem(item), item.now)),
  ];
}
