import type { Instant } from "@paybell/protocols/domain/day";
import { z } from "zod";
import { accessAt, type StandingWord } from "../access/access.ts";
import { groupBy } from "../domain/group.ts";
import type { House } from "../house.ts";
import { factsOf } from "../ledger/fact-rows.ts";
import type { ItemState } from "../ledger/fold.ts";
import { inOrder, type LedgerFact } from "../ledger/ledger-fact.ts";
import { standingWord } from "./access.ts";
import { iso, isoInstant, isoWhen } from "./instant.ts";
import { mailRows, mailSchema, shownMail } from "./mail-view.ts";
import { moneySchema, shownMoney } from "./money.ts";
import { licenceState } from "../fulfil/activations.ts";
import { arrivalsOf, itemRows, type OrderItemRow, type OrderRow } from "./order-rows.ts";
import { transactionSchema, transactionsOf } from "./transactions.ts";

/** Before anything was booked there is no currency. */
const balanceSchema = z.object({ minor: z.int(), currency: z.string().nullable() });

const itemSchema = z.object({
  id: z.string(),
  /** the provider's product */
  product_id: z.string(),
  product_name: z.string().nullable(),
  /** ours; null: not mapped yet */
  product: z.object({ id: z.string(), name: z.string() }).nullable(),
  mapped: z.boolean(),
  plan: z.string(),
  state: standingWord,
  open: z.boolean(),
  /** a day, or an instant: the next payment is due then */
  paid_through: z.string().nullable(),
  until: isoInstant.nullable(),
  balance: balanceSchema,
  rates: z.object({ paid: z.int(), total: z.int().nullable() }),
  complete: z.boolean(),
  quantity: z.int(),
  licence: z.object({ id: z.string(), given_at: isoInstant.nullable(), state: z.string() }).nullable(),
  /** the pool was empty: a key is given as soon as there is one */
  key_follows: z.boolean(),
  /** why it is in the operator's list */
  waiting: z.string().nullable(),
  /** billing periods whose payment failed and has not come since */
  missed: z.array(z.string()),
});

const timelineSchema = z.object({
  kind: z.string(),
  at: isoInstant,
  arrived_at: isoInstant,
  /** null: the operator's word */
  notification_id: z.string().nullable(),
  arrivals: z.int(),
  product_id: z.string(),
  transaction_id: z.string().nullable(),
  amount: moneySchema.nullable(),
  rate: z.int().nullable(),
});

export const orderSchema = z.object({
  id: z.string(),
  /** the provider's */
  order_id: z.string(),
  protocol: z.string(),
  mode: z.enum(["live", "test"]),
  /** the items' word where they agree, otherwise the best of them, in the order of this list */
  state: standingWord,
  /** as typed at the checkout; null: the customer was erased */
  email: z.string().nullable(),
  contact_email: z.string().nullable(),
  buyer: z.record(z.string(), z.unknown()),
  customer_id: z.string(),
  /** the sum of all entries in the main currency: that of the first item */
  balance: balanceSchema,
  items: z.array(itemSchema),
  /** all that moved, signed; they add up to the balance */
  transactions: z.array(transactionSchema),
  /** every fact, by its own time */
  timeline: z.array(timelineSchema),
  mails: z.array(mailSchema.omit({ text: true, html: true })),
  /** the newest address that refused mail for good */
  bounced: z.object({ to: z.string().nullable(), at: isoInstant, reason: z.string().nullable() }).nullable(),
  created_at: isoInstant,
});

export type ShownOrder = z.input<typeof orderSchema>;

/** Orders with everything that hangs on them, in five statements however many there are. */
export async function shownOrders(
  house: House,
  accountId: string,
  rows: readonly OrderRow[],
  now: Instant,
): Promise<ShownOrder[]> {
  const ids = rows.map((row) => row.id);
  if (ids.length === 0) return [];
  const items = await itemRows(house, accountId, ids);
  const facts = await factsOf(
    house.pool,
    items.map(() => accountId),
    items.map((item) => item.id),
  );
  const named = [...facts.values()].flat().flatMap((fact) => fact.notificationId ?? []);
  const arrivals = await arrivalsOf(house, accountId, [...new Set(named)]);
  const modes = [...new Set(rows.map((row) => row.mode))];
  const mails = await mailRows(house, { accountId, modes, orderRows: ids, limit: 5_000 });
  const itemsOf = groupBy(items, (item) => item.order_row);
  const mailsOf = groupBy(mails, (mail) => mail.order_row);

  return rows.map((row) => {
    const own = itemsOf.get(row.id) ?? [];
    const shownItems = own.map((item) => shownItem(item, now));
    const ownFacts = own.flatMap((item) => facts.get(item.id) ?? []);
    const ownMails = mailsOf.get(row.id) ?? [];
    const bounced = ownMails.find((mail) => mail.state === "bounced");
    const currency = own.find((item) => item.currency !== null)?.currency ?? null;
    return {
      id: row.id,
      order_id: row.order_id,
      protocol: row.protocol,
      mode: row.mode,
      state: best(shownItems.map((item) => item.state)),
      email: row.email || null,
      contact_email: row.contact_email || null,
      buyer: shownBuyer(row.buyer),
      customer_id: row.customer_id,
      balance: {
        minor: own.reduce((sum, item) => sum + (item.currency === currency ? Number(item.balance_minor) : 0), 0),
        currency,
      },
      items: shownItems,
      transactions: own
        .flatMap((item) => transactionsOf(facts.get(item.id) ?? [], stateOf(item)?.waiting ?? {}))
        .toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)),
      timeline: inOrder(ownFacts).map((fact) => timelineEntry(fact, arrivals)),
      mails: ownMails.map((mail) => {
        const { text: _, html: __, ...rest } = shownMail(house, mail);
        return rest;
      }),
      bounced: bounced
        ? { to: bounced.recipient ?? bounced.intended_for, at: iso(bounced.created_at), reason: bounced.reason }
        : null,
      created_at: iso(row.created_at),
    };
  });
}

function shownItem(row: OrderItemRow, now: Instant): z.input<typeof itemSchema> {
  const state = stateOf(row);
  const standing = state && accessAt(state, now);
  const word = standing?.word ?? "none";
  // What is not mapped opens nothing; its word is the money's.
  const open = (standing?.open ?? false) && row.product_id !== null;
  return {
    id: row.id,
    product_id: row.product_key,
    product_name: row.product_name,
    product: row.product_id === null ? null : { id: row.product_id, name: row.our_name ?? "" },
    mapped: row.product_id !== null,
    plan: state?.plan ?? "once",
    state: word,
    open,
    paid_through: isoWhen(state?.paidThrough ?? null),
    until: iso(open ? (standing?.until ?? null) : null),
    balance: { minor: Number(row.balance_minor), currency: row.currency },
    rates: { paid: state?.rates.paid ?? 0, total: state?.rates.total ?? null },
    complete: (state?.complete ?? false) || (state?.plan === "once" && state.money === "paid"),
    quantity: state?.quantity ?? 1,
    licence:
      row.licence_id === null
        ? null
        : { id: row.licence_id, given_at: iso(row.given_at), state: state ? licenceState(state, now) : "ended" },
    key_follows: row.config?.licence !== undefined && open && row.licence_id === null,
    waiting: row.waiting,
    missed: state?.missed.map(({ period }) => period) ?? [],
  };
}

/** As typed at the checkout. */
function shownBuyer(buyer: OrderRow["buyer"]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(buyer).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}

function stateOf({ state }: OrderItemRow): ItemState | null {
  return "spans" in state ? (state as ItemState) : null;
}

function timelineEntry(fact: LedgerFact, arrivals: ReadonlyMap<string, number>): z.input<typeof timelineSchema> {
  return {
    kind: fact.kind,
    at: iso(fact.happenedAt),
    arrived_at: iso(fact.arrivedAt),
    notification_id: fact.notificationId,
    arrivals: fact.notificationId === null ? 1 : (arrivals.get(fact.notificationId) ?? 1),
    product_id: fact.productId,
    transaction_id: "transactionId" in fact ? fact.transactionId : null,
    amount: "amount" in fact && fact.amount ? shownMoney(fact.amount) : null,
    rate: "rate" in fact ? (fact.rate ?? null) : null,
  };
}

function best(words: readonly StandingWord[]): StandingWord {
  return words.toSorted((a, b) => ranked.indexOf(a) - ranked.indexOf(b))[0] ?? "none";
}

const ranked = standingWord.options;
