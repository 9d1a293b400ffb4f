import type { Fact, Mode } from "@paybell/protocols/domain/fact";
import type { Currency, Money } from "@paybell/protocols/domain/money";
import type { PoolClient } from "pg";
import type { Instant } from "@paybell/protocols/domain/day";
import { transpose } from "../db/rows.ts";
import { groupBy } from "../domain/group.ts";
import { newId } from "../domain/id.ts";
import type { LedgerFact } from "./ledger-fact.ts";

/** A fact on its way into the ledger. */
export type NewFact = {
  readonly accountId: string;
  readonly itemId: string;
  readonly protocol: string;
  readonly providerAccount: string;
  readonly mode: Mode;
  readonly fact: Fact;
  readonly arrivedAt: Instant;
  readonly notificationId: string | null;
};

/** Writes each fact at most once: the unique identity decides. @returns the ids of those that were new */
export async function addFacts(tx: PoolClient, facts: readonly NewFact[]): Promise<Set<string>> {
  if (facts.length === 0) return new Set();
  const rows = facts.map(factRow);
  const { rows: added } = await tx.query<{ id: string }>({
    name: "add_facts",
    text: `
      insert into fact (account_id, id, item_id, protocol, provider_account, mode, identity, kind,
                        happened_at, arrived_at, notification_id, amount_minor, currency, body)
      select account_id, id, item_id, protocol, provider_account, mode, identity, kind,
             happened_at, arrived_at, notification_id, amount_minor, currency, body::jsonb
      from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                  $9::timestamptz[], $10::timestamptz[], $11::uuid[], $12::bigint[], $13::text[], $14::text[])
        as t (account_id, id, item_id, protocol, provider_account, mode, identity, kind,
              happened_at, arrived_at, notification_id, amount_minor, currency, body)
      on conflict (account_id, protocol, provider_account, mode, identity) do nothing
      returning id`,
    values: transpose(rows),
  });
  return new Set(added.map((row) => row.id));
}

/** All facts of the items of these orders, by item. */
export async function factsOfOrders(
  tx: Pick<PoolClient, "query">,
  orders: readonly { readonly accountId: string; readonly id: string }[],
): Promise<Map<string, LedgerFact[]>> {
  const distinct = new Map(orders.map((order) => [order.id, order.accountId]));
  const { rows } = await tx.query<FactRow>({
    name: "facts_of_orders",
    text: `
      select f.item_id, f.id, f.identity, f.happened_at, f.arrived_at, f.notification_id, f.amount_minor, f.currency, f.body
      from unnest($1::uuid[], $2::uuid[]) as t (account_id, order_row)
      join item i on i.order_row = t.order_row and i.account_id = t.account_id
      join fact f on f.item_id = i.id and f.account_id = i.account_id`,
    values: [[...distinct.values()], [...distinct.keys()]],
  });
  return byItem(rows);
}

/** All facts of these items, by item. */
export async function factsOf(
  tx: Pick<PoolClient, "query">,
  accountIds: readonly string[],
  itemIds: readonly string[],
): Promise<Map<string, LedgerFact[]>> {
  const { rows } = await tx.query<FactRow>({
    name: "facts_of_items",
    text: `
      select f.item_id, f.id, f.identity, f.happened_at, f.arrived_at, f.notification_id, f.amount_minor, f.currency, f.body
      from unnest($1::uuid[], $2::uuid[]) as t (account_id, item_id)
      join fact f on f.account_id = t.account_id and f.item_id = t.item_id`,
    values: [accountIds, itemIds],
  });
  return byItem(rows);
}

function byItem(rows: readonly FactRow[]): Map<string, LedgerFact[]> {
  return new Map([...groupBy(rows, (row) => row.item_id)].map(([id, own]) => [id, own.map(readFact)]));
}

/** What makes two facts of one identity the same: who sent it again with other amounts meant something else. */
export function sameContent(a: Fact, b: Fact): boolean {
  const amount = (fact: Fact): Money | undefined => ("amount" in fact ? fact.amount : undefined);
  return amount(a)?.minor === amount(b)?.minor && amount(a)?.currency === amount(b)?.currency;
}

export function encodeBody(fact: Fact): string {
  const { identity: _, happenedAt: __, ...rest } = fact;
  return JSON.stringify({ ...rest, amount: undefined }, (_key, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
}

type FactRow = {
  item_id: string;
  id: string;
  identity: string;
  happened_at: Instant;
  arrived_at: Instant;
  notification_id: string | null;
  amount_minor: bigint | null;
  currency: Currency | null;
  body: Record<string, unknown> & { plan?: { agreed?: { minor: string; currency: Currency } } };
};

function factRow({ accountId, itemId, protocol, providerAccount, mode, fact, arrivedAt, notificationId }: NewFact) {
  const amount = "amount" in fact ? fact.amount : undefined;
  return [
    accountId,
    newId(arrivedAt),
    itemId,
    protocol,
    providerAccount,
    mode,
    fact.identity,
    fact.kind,
    new Date(fact.happenedAt ?? arrivedAt),
    new Date(arrivedAt),
    notificationId,
    amount?.minor.toString() ?? null,
    amount?.currency ?? null,
    encodeBody(fact),
  ];
}

function readFact(row: FactRow): LedgerFact {
  const agreed = row.body.plan?.agreed;
  return {
    ...row.body,
    ...(agreed && { plan: { ...row.body.plan, agreed: { minor: BigInt(agreed.minor), currency: agreed.currency } } }),
    ...(row.amount_minor !== null && { amount: { minor: row.amount_minor, currency: row.currency } }),
    id: row.id,
    identity: row.identity,
    happenedAt: row.happened_at,
    arrivedAt: row.arrived_at,
    notificationId: row.notification_id,
  } as LedgerFact; // written by encodeBody from a Fact
}
