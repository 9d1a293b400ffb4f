import type { Instant } from "@paybell/protocols/domain/day";
import type { FactBody, Mode } from "@paybell/protocols/domain/fact";
import type { Money } from "@paybell/protocols/domain/money";
import type { Context } from "../context.ts";
import { groupBy } from "../domain/group.ts";
import type { ProductConfig } from "../domain/product.ts";
import { foldSettings } from "../ledger/compute.ts";
import { factsOf } from "../ledger/fact-rows.ts";
import { fold, type ItemState } from "../ledger/fold.ts";
import { itemsHeldBy } from "../ledger/held-rows.ts";
import { type Entitlement, entitlementsAt, type HeldItem } from "./entitlements.ts";

/** Whose access is asked for. An address must be normalised: trimmed, lower case. */
export type Asked = { readonly email: string } | { readonly customerId: string } | { readonly reference: string };

export type Question = {
  readonly accountId: string;
  readonly mode: Mode;
  readonly who: Asked;
  /** null: now */
  readonly at: Instant | null;
};

/** A fact as the answer shows it. */
export type ShownFact = {
  readonly id: string;
  readonly kind: FactBody["kind"];
  readonly at: Instant;
  readonly amount: Money | null;
  readonly notificationId: string | null;
};

export type Answered = {
  /** null: nobody is known by that name */
  readonly customerId: string | null;
  /** one for each feature any item of the customer could give, in alphabetical order */
  readonly entitlements: readonly Entitlement[];
  /** the facts the entitlements name as their reasons, by id */
  readonly facts: ReadonlyMap<string, ShownFact>;
};

/**
 * What a customer may use at an instant, and because of which facts. For now and later the items' stored states
 * are asked; for an instant that has passed, the facts that had arrived by then are folded.
 * Costs two statements for now and later.
 */
export async function ask(
  context: Pick<Context, "pool" | "clock" | "timeZone">,
  question: Question,
): Promise<Answered> {
  const { customerId, items } = await currentItems(context, question);
  if (customerId === null) return { customerId, entitlements: [], facts: new Map() };
  const now = context.clock();
  if (question.at === null || question.at >= now) {
    const entitlements = entitlementsAt(items, question.at ?? now);
    return { customerId, entitlements, facts: await factsNamed(context, question.accountId, entitlements) };
  }
  return { customerId, ...(await askThen(context, question, customerId, question.at)) };
}

type ItemRow = {
  customer_id: string;
  item_id: string | null;
  order_id: string;
  product_id: string | null;
  product_name: string;
  config: ProductConfig;
  state: ItemState | Record<string, never>;
};

async function currentItems(
  { pool }: Pick<Context, "pool">,
  { accountId, mode, who }: Question,
): Promise<{ customerId: string | null; items: HeldItem[] }> {
  const [name, person, value] =
    "email" in who
      ? [
          "by_email",
          "select customer_id as id from customer_email where account_id = $1 and mode = $2 and email = $3",
          who.email,
        ]
      : "reference" in who
        ? [
            "by_reference",
            "select id from customer where account_id = $1 and mode = $2 and reference = $3",
            who.reference,
          ]
        : ["by_id", "select id from customer where account_id = $1 and mode = $2 and id = $3::uuid", who.customerId];
  const { rows } = await pool.query<ItemRow>({
    name: `access_${name}`,
    text: `
      select c.id as customer_id, i.id as item_id, o.order_id, p.id as product_id, p.name as product_name, p.config, i.state
      from (${person}) c
      left join item i on i.account_id = $1 and i.customer_id = c.id and i.mode = $2 and i.product_id is not null
      left join orders o on o.account_id = i.account_id and o.id = i.order_row
      left join product p on p.account_id = i.account_id and p.id = i.product_id`,
    values: [accountId, mode, value],
  });
  return {
    customerId: rows[0]?.customer_id ?? null,
    items: rows.flatMap((row) =>
      row.item_id === null || row.product_id === null || !("spans" in row.state)
        ? []
        : [
            {
              itemId: row.item_id,
              orderId: row.order_id,
              product: { id: row.product_id, name: row.product_name, config: row.config },
              state: row.state as ItemState,
            },
          ],
    ),
  };
}

/** As it was: nobody knew yet what arrived later. */
async function askThen(
  context: Pick<Context, "pool" | "timeZone">,
  { accountId, mode }: Question,
  customerId: string,
  at: Instant,
): Promise<Omit<Answered, "customerId">> {
  const held = (await itemsHeldBy(context.pool, [{ accountId, customerId }])).filter((item) => item.mode === mode);
  const facts = await factsOf(
    context.pool,
    held.map(() => accountId),
    held.map((item) => item.id),
  );
  const known = new Map([...facts].map(([id, all]) => [id, all.filter((fact) => fact.arrivedAt <= at)]));
  const byOrder = groupBy(held, (item) => item.order.row);
  const items = held.flatMap((item): HeldItem[] => {
    const own = known.get(item.id) ?? [];
    if (own.length === 0 || item.product === null) return [];
    const orderFacts = byOrder.get(item.order.row)!.flatMap((sibling) => known.get(sibling.id) ?? []);
    const state = fold(own, orderFacts, foldSettings(context, item));
    return [{ itemId: item.id, orderId: item.order.id, product: item.product, state }];
  });
  const shown = [...known.values()].flat().map((fact): [string, ShownFact] => [
    fact.id,
    {
      id: fact.id,
      kind: fact.kind,
      at: fact.happenedAt,
      amount: "amount" in fact && fact.amount ? fact.amount : null,
      notificationId: fact.notificationId,
    },
  ]);
  return { entitlements: entitlementsAt(items, at), facts: new Map(shown) };
}

type FactRow = {
  id: string;
  kind: FactBody["kind"];
  happened_at: Instant;
  amount_minor: bigint | null;
  currency: Money["currency"] | null;
  notification_id: string | null;
};

async function factsNamed(
  { pool }: Pick<Context, "pool">,
  accountId: string,
  entitlements: readonly Entitlement[],
): Promise<Map<string, ShownFact>> {
  const ids = [...new Set(entitlements.flatMap(({ because }) => because.flatMap(({ facts }) => facts)))];
  if (ids.length === 0) return new Map();
  const { rows } = await pool.query<FactRow>({
    name: "facts_named",
    text: "select id, kind, happened_at, amount_minor, currency, notification_id from fact where account_id = $1 and id = any($2)",
    values: [accountId, ids],
  });
  return new Map(
    rows.map((row) => [
      row.id,
      {
        id: row.id,
        kind: row.kind,
        at: row.happened_at,
        amount:
          row.amount_minor === null || row.currency === null
            ? null
            : { minor: row.amount_minor, currency: row.currency },
        notificationId: row.notification_id,
      },
    ]),
  );
}
