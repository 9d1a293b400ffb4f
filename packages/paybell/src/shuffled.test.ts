import fc from "fast-check";
import { expect, test } from "vitest";
import { type Message, openShop, type Shop } from "./testing/shop.ts";

/* I2: any number of copies, in any order, end in the same ledger, access, keys and mails. */

const sub = (rate: number, day: string, more: Message = {}): Message => ({
  order_id: "SUB00001",
  product_id: "club",
  payment_plan: "abonnement",
  frequency: "monthly",
  rate_number: rate,
  transaction_amount: "29.0",
  transaction_id: more.event_type === undefined ? `sub-${rate}` : `sub-other-${rate}`,
  transaction_date: `${day}T10:00:00+01:00`,
  ...more,
});
const rate = (n: number, day: string): Message => ({
  order_id: "RATE0001",
  product_id: "master",
  payment_plan: "breakdown_payment",
  frequency: "monthly",
  total_number_of_payments: 3,
  first_payment: "199.0",
  next_payments: "199.0",
  rate_number: n,
  transaction_amount: "199.0",
  transaction_id: `rate-${n}`,
  transaction_date: `${day}T10:00:00+01:00`,
});

const history: Message[] = [
  { order_id: "ONCE0001", product_id: "course", transaction_id: "once", transaction_date: "2026-01-05T10:00:00+01:00" },
  {
    order_id: "ONCE0001",
    product_id: "course",
    transaction_id: "part",
    transaction_amount: "40.0",
    event_type: "payment.refunded",
    payment_status: "successed_refunded",
    transaction_date: "2026-01-20T10:00:00+01:00",
  },
  sub(1, "2026-01-15", { next_payment_at: "2026-02-15" }),
  sub(2, "2026-02-15", { event_type: "payment.failed", payment_status: "failed" }),
  sub(2, "2026-02-17", { next_payment_at: "2026-03-15" }),
  sub(3, "2026-03-15", { next_payment_at: "2026-04-15" }),
  rate(1, "2026-01-10"),
  rate(2, "2026-02-10"),
  rate(3, "2026-03-10"),
  {
    order_id: "BACK0001",
    product_id: "course",
    transaction_id: "paid",
    buyer_email: "lee@example.com",
    transaction_date: "2026-01-07T10:00:00+01:00",
  },
  {
    order_id: "BACK0001",
    product_id: "course",
    transaction_id: "back",
    buyer_email: "lee@example.com",
    event_type: "payment.refunded",
    payment_status: "successed_refunded",
    transaction_date: "2026-01-09T10:00:00+01:00",
  },
  {
    order_id: "DISP0001",
    product_id: "course",
    transaction_id: "dpaid",
    buyer_email: "sam@example.com",
    transaction_date: "2026-01-07T10:00:00+01:00",
  },
  {
    order_id: "DISP0001",
    product_id: "course",
    transaction_id: "dcb",
    buyer_email: "sam@example.com",
    event_type: "payment.charged_back",
    payment_status: "chargeback_succeeded",
    transaction_date: "2026-02-07T10:00:00+01:00",
  },
  {
    order_id: "DISP0001",
    product_id: "course",
    transaction_id: "dwon",
    buyer_email: "sam@example.com",
    event_type: "payment.charged_back",
    payment_status: "chargeback_failed",
    transaction_date: "2026-03-07T10:00:00+01:00",
  },
  {
    order_id: "TEST0001",
    product_id: "club",
    transaction_id: "tpaid",
    payment_plan: "abonnement",
    frequency: "monthly",
    payment_method: "test",
    payment_status: "test_paid",
    test_payment: true,
    transaction_date: "2026-03-01T10:00:00+01:00",
  },
  {
    order_id: "TEST0001",
    product_id: "club",
    event_type: "payment.recurring.cancelled",
    payment_plan: "abonnement",
    is_cancelled_for: "2026-04-01",
  },
  {
    order_id: "SUB00001",
    product_id: "club",
    event_type: "payment.recurring.cancelled",
    payment_plan: "abonnement",
    is_cancelled_for: "2026-04-15",
  },
];

const orders = [["ONCE0001"], ["SUB00001"], ["RATE0001"], ["BACK0001"], ["DISP0001"], ["TEST0001", "test"]] as const;

async function open(): Promise<Shop> {
  const shop = await openShop("2026-03-20T10:00:00");
  for (const name of ["course", "club", "master"])
    await shop.product({ product_id: name, name, features: [name], licence: { pattern: "XXXX-XXXX-XXXX" } });
  return shop;
}

async function outcome(shop: Shop) {
  const ledger = [];
  for (const [id, mode] of orders) {
    const order = await shop.order(id, mode);
    const items = order.items.map(({ product_id, state, paid_through, balance, rates }) => ({
      product_id,
      state,
      paid_through,
      balance,
      rates,
    }));
    ledger.push({
      id,
      state: order.state,
      balance: order.balance,
      items,
      transactions: order.transactions.map(({ kind, at, amount }) => [kind, at, amount.minor]),
    });
  }
  const access = await shop.ok<{ data: { feature: string; allowed: boolean; until: string | null }[] }>(
    "GET",
    "/v1/access?email=kim@example.com",
  );
  const licences = await shop.ok<{ data: { order_id: string; state: string }[] }>("GET", "/v1/licences?limit=200");
  const waiting = (await shop.notifications())
    .map(({ state, reason, mode }) => [mode, state, reason].join())
    .toSorted();
  return {
    ledger,
    access: access.data.map(({ feature, allowed, until }) => ({ feature, allowed, until })),
    keys: licences.data.map(({ order_id, state }) => [order_id, state].join()).toSorted(),
    mails: (await shop.mails()).map(({ kind, to }) => [to, kind].join()).toSorted(),
    waiting,
  };
}

async function settled(bytes: readonly string[], rests: ReadonlySet<number>) {
  const shop = await open();
  for (const [index, one] of bytes.entries()) {
    expect(await shop.post(one)).toEqual({ status: 200, body: "OK" });
    if (rests.has(index)) await shop.paybell.settle();
  }
  await shop.paybell.settle();
  expect((await shop.paybell.rebuild()).differences).toEqual([]);
  const result = await outcome(shop);
  await shop.paybell.stop();
  return result;
}

test("any permutation and repetition of a history that arrives at once", async () => {
  const shop = await open();
  const bytes = history.map((message) => shop.bytes(message));
  const expected = await settled(bytes, new Set());
  expect(expected.ledger.map((order) => order.state)).toEqual([
    "active",
    "cancelled",
    "active",
    "refunded",
    "active",
    "cancelled",
  ]);
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(bytes, { minLength: bytes.length, maxLength: bytes.length }),
      fc.array(fc.nat(bytes.length - 1), { maxLength: 8 }),
      async (order, repeats) => {
        expect(await settled([...order, ...repeats.map((at) => bytes[at]!)], new Set())).toEqual(expected);
      },
    ),
    { numRuns: 8, seed: 42 },
  );
}, 120_000);

test("also with pauses in between: same ledger, same access, same keys in force", async () => {
  const shop = await open();
  const bytes = history.map((message) => shop.bytes(message));
  const expected = await settled(bytes, new Set());
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(bytes, { minLength: bytes.length, maxLength: bytes.length }),
      fc.uniqueArray(fc.nat(bytes.length - 1), { maxLength: 6 }),
      async (order, rests) => {
        const { ledger, access, keys } = await settled(order, new Set(rests));
        expect({ ledger, access }).toEqual({ ledger: expected.ledger, access: expected.access });
        expect(keys.filter((key) => key.endsWith("active"))).toEqual(
          expected.keys.filter((key) => key.endsWith("active")),
        );
      },
    ),
    { numRuns: 8, seed: 43 },
  );
}, 120_000);
