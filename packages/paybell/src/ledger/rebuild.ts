import { wholeOrder } from "@paybell/protocols/domain/fact";
import type { Pool } from "pg";
import { entitlementsAt } from "../access/entitlements.ts";
import type { Context } from "../context.ts";
import { groupBy } from "../domain/group.ts";
import { keptPage, type KeptRow, readAgain } from "../record/stored-rows.ts";
import { balanceOf } from "./balance.ts";
import { encodeBody, factsOf, sameContent } from "./fact-rows.ts";
import { foldSettings } from "./compute.ts";
import { fold } from "./fold.ts";
import { type Held, itemsHeldBy } from "./held-rows.ts";
import type { LedgerFact } from "./ledger-fact.ts";
import { shareOut } from "./share.ts";

/** What a recomputation found. */
export type RebuildReport = {
  readonly notifications: number;
  readonly items: number;
  /** none, on a healthy system */
  readonly differences: readonly Difference[];
};

export type Difference = {
  readonly what: "fact" | "item" | "entitlement";
  readonly id: string;
  readonly sentence: string;
};

/**
 * Recomputes ledger and access from the kept notifications and compares them with what is booked. Writes and
 * sends nothing.
 * @param accountId one account; without it all
 */
export async function rebuild(context: Context, accountId?: string): Promise<RebuildReport> {
  const differences: Difference[] = [];
  let notifications = 0;
  let items = 0;
  for (const account of await accounts(context.pool, accountId)) {
    for (let after: string | null = null; ; ) {
      const page: KeptRow[] = await keptPage(context.pool, account, after, pageSize);
      if (page.length === 0) break;
      after = page.at(-1)!.id;
      notifications += page.length;
      differences.push(...(await compareFacts(context.pool, account, page)));
    }
    for (let after: string | null = null; ; ) {
      const customers: string[] = await customerPage(context.pool, account, after);
      if (customers.length === 0) break;
      after = customers.at(-1)!;
      const held = await itemsHeldBy(
        context.pool,
        customers.map((customerId) => ({ accountId: account, customerId })),
      );
      items += held.length;
      differences.push(...(await compareItems(context, account, held)));
    }
  }
  return { notifications, items, differences };
}

const pageSize = 500;

/** Every fact the bytes say is booked, and every booked fact is said by its bytes. */
async function compareFacts(pool: Pool, accountId: string, page: readonly KeptRow[]): Promise<Difference[]> {
  const booked = page.filter((row) => !["stored", "unverified"].includes(row.state) && row.reason !== "order_unknown");
  const read = booked.flatMap((row) => readAgain(row) ?? []);
  const said = read.flatMap((stored) => stored.reading.facts.map((fact) => ({ stored, fact })));
  const { rows } = await pool.query<{
    identity: string;
    mode: string;
    provider_account: string;
    protocol: string;
    notification_id: string;
    kind: string;
    body: unknown;
    amount_minor: bigint | null;
    currency: string | null;
  }>({
    text: `
      select identity, mode, provider_account, protocol, notification_id, kind, body, amount_minor, currency from fact
      where account_id = $1 and (identity = any($2) or notification_id = any($3::uuid[]))`,
    values: [accountId, said.map(({ fact }) => fact.identity), page.map((row) => row.id)],
  });
  const key = (protocol: string, providerAccount: string, mode: string, identity: string) =>
    JSON.stringify([protocol, providerAccount, mode, identity]);
  const bookedFacts = new Map(
    rows.map((row) => [key(row.protocol, row.provider_account, row.mode, row.identity), row]),
  );
  const differences: Difference[] = [];
  const seen = new Set<string>();
  for (const { stored, fact } of said) {
    const place = key(stored.protocol, stored.providerAccount, stored.mode, fact.identity);
    seen.add(place);
    const row = bookedFacts.get(place);
    if (!row)
      differences.push({
        what: "fact",
        id: fact.identity,
        sentence: `Notification ${stored.id} says ${fact.identity}, which is not booked.`,
      });
    else if (
      row.notification_id === stored.id &&
      sorted(row.body) !== sorted(JSON.parse(encodeBody(fact))) &&
      !redacted(stored.reading.buyer?.email ?? "")
    ) {
      differences.push({
        what: "fact",
        id: fact.identity,
        sentence: `${fact.identity} is booked otherwise than notification ${stored.id} says.`,
      });
    } else if (row.notification_id === stored.id && !sameContent(fact, asFact(row))) {
      differences.push({
        what: "fact",
        id: fact.identity,
        sentence: `${fact.identity} is booked with another amount than notification ${stored.id} says.`,
      });
    }
  }
  for (const row of rows) {
    const place = key(row.protocol, row.provider_account, row.mode, row.identity);
    if (page.some((kept) => kept.id === row.notification_id) && !seen.has(place)) {
      differences.push({
        what: "fact",
        id: row.identity,
        sentence: `${row.identity} is booked, but notification ${row.notification_id} no longer says it.`,
      });
    }
  }
  return differences;
}

async function compareItems(context: Context, accountId: string, held: readonly Held[]): Promise<Difference[]> {
  const facts = shareOut(
    held,
    await factsOf(
      context.pool,
      held.map(() => accountId),
      held.map((item) => item.id),
    ),
  );
  const booked = await bookedBalances(
    context.pool,
    accountId,
    held.map((item) => item.id),
  );
  const differences: Difference[] = [];
  const byOrder = groupBy(held, (item) => item.order.row);
  const items = held.filter((item) => item.productKey !== wholeOrder);
  const computed = items.map((item) => {
    const orderFacts = byOrder
      .get(item.order.row)!
      .flatMap((sibling): readonly LedgerFact[] => facts.get(sibling.id) ?? []);
    const own = facts.get(item.id) ?? [];
    return { item, state: fold(own, orderFacts, foldSettings(context, item)), balance: balanceOf(own) };
  });
  for (const { item, state, balance } of computed) {
    if (sorted(state) !== sorted(item.state))
      differences.push({
        what: "item",
        id: item.id,
        sentence: `Order ${item.order.id}, product ${item.productKey}: the state differs from what its facts come to.`,
      });
    if ((balance?.minor ?? 0n) !== booked.get(item.id))
      differences.push({
        what: "item",
        id: item.id,
        sentence: `Order ${item.order.id}, product ${item.productKey}: the balance differs from the sum of its transactions.`,
      });
  }
  const now = context.clock();
  const open = await openEntitlements(context.pool, accountId, [...new Set(held.map((item) => item.customer.id))]);
  for (const [customerId, own] of groupBy(computed, ({ item }) => item.customer.id)) {
    const entitled = entitlementsAt(
      own.flatMap(({ item, state }) =>
        item.product ? [{ itemId: item.id, orderId: item.order.id, product: item.product, state }] : [],
      ),
      now,
    );
    const expected = entitled
      .filter((one) => one.open)
      .map((one) => one.feature)
      .toSorted();
    if (JSON.stringify(expected) !== JSON.stringify((open.get(customerId) ?? []).toSorted())) {
      differences.push({
        what: "entitlement",
        id: customerId,
        sentence: `Customer ${customerId}: what was announced differs from what the facts open.`,
      });
    }
  }
  return differences;
}

function redacted(email: string): boolean {
  return email === "";
}

function asFact(row: {
  body: unknown;
  amount_minor: bigint | null;
  currency: string | null;
}): Parameters<typeof sameContent>[0] {
  return {
    ...(row.body as object),
    ...(row.amount_minor !== null && { amount: { minor: row.amount_minor, currency: row.currency } }),
  } as Parameters<typeof sameContent>[0];
}

/** JSON with its keys in order: jsonb keeps none. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

async function accounts(pool: Pool, accountId: string | undefined): Promise<string[]> {
  if (accountId) return [accountId];
  const { rows } = await pool.query<{ id: string }>("select id from account order by id");
  return rows.map((row) => row.id);
}

async function customerPage(pool: Pool, accountId: string, after: string | null): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    "select id from customer where account_id = $1 and ($2::uuid is null or id > $2) order by id limit $3",
    [accountId, after, pageSize],
  );
  return rows.map((row) => row.id);
}

async function bookedBalances(pool: Pool, accountId: string, items: readonly string[]): Promise<Map<string, bigint>> {
  const { rows } = await pool.query<{ id: string; balance_minor: bigint }>(
    "select id, balance_minor from item where account_id = $1 and id = any($2)",
    [accountId, items],
  );
  return new Map(rows.map((row) => [row.id, row.balance_minor]));
}

async function openEntitlements(
  pool: Pool,
  accountId: string,
  customers: readonly string[],
): Promise<Map<string, string[]>> {
  const { rows } = await pool.query<{ customer_id: string; feature: string }>(
    "select customer_id, feature from entitlement where account_id = $1 and customer_id = any($2) and open",
    [accountId, customers],
  );
  return new Map([...groupBy(rows, (row) => row.customer_id)].map(([id, own]) => [id, own.map((row) => row.feature)]));
}
