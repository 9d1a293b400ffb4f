import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Fact } from "../domain/fact.ts";
import { changed } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";

const [course, workbook, templates] = ["c0a1", "b0b2", "d0d3"] as const;
const line = (slug: string | null, amount: string, is_addon = slug !== course) => ({
  slug,
  amount,
  is_addon,
  name: slug,
});

function facts(changes: Record<string, unknown>): readonly Fact[] {
  const parsed = parse(changed("one-time-payment-made", { product_id: course, ...changes }));
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.reading.facts;
}

const money = (cents: number) => (cents / 100).toFixed(2);
const amounts = (found: readonly Fact[]) =>
  Object.fromEntries(found.map((fact) => [fact.productId, "amount" in fact ? fact.amount?.minor : undefined]));

test.each([
  [
    "the whole when shipping explains the difference",
    { transaction_amount: "57.6", line_item_amount: "47.6", shipping_price: "10" },
    5760n,
  ],
  ["the line when others share the transaction", { transaction_amount: "371", line_item_amount: "297" }, 29700n],
  ["never more than the transaction", { transaction_amount: "10", line_item_amount: "297" }, 1000n],
  ["the line when nothing else is there", { transaction_amount: null, line_item_amount: "27" }, 2700n],
  ["the whole when nothing else is there", { transaction_amount: "27", line_item_amount: null }, 2700n],
  ["positive, however it is signed", { transaction_amount: "-27", line_item_amount: "-27" }, 2700n],
])("without a list the amount is %s", (_, changes, minor) => {
  expect(amounts(facts({ transaction_amount_per_product: null, ...changes }))).toEqual({ [course]: minor });
});

test.each([
  [
    "shipping stays with the only line",
    { transaction_amount: "57.6", shipping_price: "10.0" },
    [line(course, "47.6")],
    { [course]: 5760n },
  ],
  [
    "a single entry without a product is the message's own",
    { transaction_amount: "47.6" },
    [line(null, "47.6")],
    { [course]: 4760n },
  ],
  [
    "a list of the line alone is not the whole of a shared transaction",
    { transaction_amount: "371" },
    [line(course, "297")],
    { [course]: 29700n },
  ],
  [
    "a part refund is no more than its transaction",
    { transaction_amount: "10" },
    [line(course, "297")],
    { [course]: 1000n },
  ],
  [
    "shipping stays with the main line beside its add-ons",
    { transaction_amount: "329" },
    [line(course, "297"), line(workbook, "27")],
    { [course]: 30200n, [workbook]: 2700n },
  ],
  [
    "entries of one product add up",
    { transaction_amount: "60" },
    [line(course, "20"), line(course, "13"), line(workbook, "27")],
    { [course]: 3300n, [workbook]: 2700n },
  ],
  [
    "a cent lost in rounding is nothing",
    { transaction_amount: "323.99" },
    [line(course, "297"), line(workbook, "27")],
    { [course]: 29700n, [workbook]: 2700n },
  ],
  [
    "a list of more than the transaction speaks of others that come by themselves",
    { transaction_amount: "297" },
    [line(course, "297"), line(workbook, "27")],
    { [course]: 29700n },
  ],
  [
    "a list under other names does not book the same money twice",
    { transaction_amount: "297", line_item_amount: "297" },
    [line("kurs", "297")],
    { [course]: 29700n },
  ],
  [
    "a list of the add-ons alone is believed when it fits",
    { transaction_amount: "324", line_item_amount: "297" },
    [line(workbook, "27")],
    { [course]: 29700n, [workbook]: 2700n },
  ],
])("%s", (_, changes, list, split) => {
  const said = { line_item_amount: null, shipping_price: "0.0", ...changes, transaction_amount_per_product: list };
  expect(amounts(facts(said))).toEqual(split);
});

const order = { order_id: "A1B2", transaction_id: "T-9", transaction_amount: "371.0", shipping_price: "0.0" };
const prices = [
  [course, "297.0"],
  [workbook, "27.0"],
  [templates, "47.0"],
] as const;
const full = prices.map(([slug, amount]) => line(slug, amount));
const shapes = {
  "its own line only": (_: string, amount: string) => ({
    line_item_amount: amount,
    transaction_amount_per_product: null,
  }),
  "a list of its own line": (slug: string, amount: string) => ({
    line_item_amount: amount,
    transaction_amount_per_product: [line(slug, amount)],
  }),
  "the full list": (_: string, amount: string) => ({ line_item_amount: amount, transaction_amount_per_product: full }),
  "the full list in another order": (_: string, amount: string) => ({
    line_item_amount: amount,
    transaction_amount_per_product: full.toReversed(),
  }),
  "the full list and nothing of its own": () => ({ line_item_amount: null, transaction_amount_per_product: full }),
  "the full list beside its own amount": (_: string, amount: string) => ({
    line_item_amount: amount,
    transaction_amount: amount,
    transaction_amount_per_product: full,
  }),
};
type Shape = keyof typeof shapes;
const shapeNames = Object.keys(shapes).filter((name): name is Shape => name in shapes);

/** Each identity once, as the ledger keeps them: identity, product and money of every fact. */
function kept(messages: readonly Record<string, unknown>[]) {
  const ledger = new Map<string, unknown>();
  for (const fact of messages.flatMap((message) => facts({ ...order, ...message }))) {
    if (!ledger.has(fact.identity)) ledger.set(fact.identity, amounts([fact]));
  }
  return new Map([...ledger].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const three = new Map([
  [`payment:T-9:A1B2:${workbook}`, { [workbook]: 2700n }],
  [`payment:T-9:A1B2:${course}`, { [course]: 29700n }],
  [`payment:T-9:A1B2:${templates}`, { [templates]: 4700n }],
]);

test.each(shapeNames)("three messages of one transaction, each with %s, are the same three payments", (shape) => {
  expect(kept(prices.map(([product_id, amount]) => ({ product_id, ...shapes[shape](product_id, amount) })))).toEqual(
    three,
  );
});

test("one message with the full list is those three payments too", () => {
  expect(kept([{ product_id: course, transaction_amount_per_product: full }])).toEqual(three);
});

test("the messages of one transaction say the same in any order and mixture of forms", () => {
  const mixed = fc.tuple(...prices.map(() => fc.constantFrom(...shapeNames)));
  const turn = fc.shuffledSubarray([0, 1, 2], { minLength: 3 });
  fc.assert(
    fc.property(mixed, turn, (forms, indices) => {
      const messages = prices.map(([product_id, amount], n) => ({
        product_id,
        ...shapes[forms[n] ?? "the full list"](product_id, amount),
      }));
      expect(kept(indices.map((n) => messages[n] ?? {}))).toEqual(three);
    }),
  );
});

test("shipping goes to the same line whichever message of the transaction comes first", () => {
  const shipped = { transaction_amount: "381.0", shipping_price: "10.0", transaction_amount_per_product: full };
  const totals = prices.map(([product_id]) => amounts(facts({ ...order, ...shipped, product_id })));
  for (const total of totals) expect(total).toEqual({ [course]: 30700n, [workbook]: 2700n, [templates]: 4700n });
});

test("shipping goes to the main product though an add-on is dearer and the list is turned around", () => {
  const list = [line(workbook, "500.0"), line(course, "297.0"), line(templates, "47.0")];
  for (const entries of [list, list.toReversed()]) {
    for (const product_id of [course, workbook, templates]) {
      const message = { product_id, transaction_amount: "854.0", shipping_price: "10.0" };
      expect(amounts(facts({ ...order, ...message, transaction_amount_per_product: entries }))).toEqual({
        [course]: 30700n,
        [workbook]: 50000n,
        [templates]: 4700n,
      });
    }
  }
});

test("among equals shipping goes to the same product whatever the order of the list", () => {
  const list = [line(course, "20.0", false), line(workbook, "20.0", false), line(templates, "10.0", false)];
  for (const entries of [list, list.toReversed()]) {
    const message = { transaction_amount: "55.0", shipping_price: "5.0", transaction_amount_per_product: entries };
    expect(amounts(facts({ ...order, ...message }))).toEqual({
      [course]: 2000n,
      [workbook]: 2500n,
      [templates]: 1000n,
    });
  }
});

test.each([
  ["payment.made", "paid", "payment"],
  ["payment.pending", "pending", "payment_pending"],
  ["payment.failed", "failed", "payment_failed"],
  ["payment.refunded", "successed_refunded", "refund"],
  ["payment.refunded", "failed_refunded", "refund_reversed"],
  ["payment.charged_back", "chargeback_succeeded", "dispute_opened"],
])("%s with the status %s says %s of each product in the list", (event_type, payment_status, kind) => {
  const found = facts({ ...order, event_type, payment_status, transaction_amount_per_product: full });
  expect(found.map((fact) => [fact.kind, fact.productId])).toEqual([
    [kind, course],
    [kind, workbook],
    [kind, templates],
  ]);
  expect(found.every((fact) => fact.happenedAt === found[0]?.happenedAt && fact.plan?.kind === "once")).toBe(true);
});

test("a trial is the trial of the message's own product", () => {
  const trial = { event_type: "payment.trial", next_payment_at: "2026-04-15", transaction_amount_per_product: full };
  expect(facts(trial).map((fact) => fact.productId)).toEqual([course]);
});

test("an add-on keeps its own name, and neither the units nor the agreed total of the main product", () => {
  const plan = {
    payment_plan: "breakdown_payment",
    total_number_of_payments: 3,
    next_payments: "371.0",
    first_payment: "371.0",
  };
  const [main, addOn] = facts({ ...order, ...plan, quantity: 5, transaction_amount_per_product: full });
  expect(main).toMatchObject({ quantity: 5, plan: { kind: "instalments", total: 3, agreed: { minor: 111300n } } });
  expect(addOn).toMatchObject({ productName: workbook, plan: { kind: "instalments", total: 3 }, rate: 1 });
  expect(addOn).not.toHaveProperty("quantity");
  expect(addOn?.plan).not.toHaveProperty("agreed");
});

test("no list books more than the transaction, but for a cent of rounding for each line", () => {
  const cents = fc.integer({ min: 0, max: 100_000 });
  const entry = fc.record({
    slug: fc.constantFrom(course, workbook, templates, null, "x"),
    amount: cents,
    is_addon: fc.boolean(),
  });
  fc.assert(
    fc.property(
      cents,
      fc.option(cents),
      fc.option(cents),
      fc.array(entry, { maxLength: 5 }),
      (whole, item, freight, list) => {
        const found = facts({
          transaction_amount: money(whole),
          line_item_amount: item === null ? null : money(item),
          shipping_price: freight === null ? null : money(freight),
          transaction_amount_per_product: list.map((one) => ({ ...one, amount: money(one.amount) })),
        });
        const booked = Object.values(amounts(found)).reduce((sum, minor) => sum + Number(minor), 0);
        expect(booked).toBeLessThanOrEqual(whole + list.length);
        expect(found[0]?.productId).toBe(course);
      },
    ),
  );
});
