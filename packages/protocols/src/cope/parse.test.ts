import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Reading } from "../domain/fact.ts";
import { cope } from "./cope.ts";
import { buyer, course, event, flat, givenBack, ids, line, type Payload, sold, workbook } from "./fixtures/messages.ts";
import { bytes, vector } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";

const eur = (minor: bigint) => ({ minor, currency: "EUR" });
const at = (text: string) => Date.parse(text);

function reading(body: Uint8Array): Reading {
  const parsed = parse(body);
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.reading;
}

const facts = (type: string, data: Payload, more: Payload = {}) => reading(event(type, data, more)).facts;
const sale = (changes: Payload) => facts("payment.sale.succeeded", { ...sold, ...changes });
const refund = (changes: Payload) => facts("payment.refund.created", { ...givenBack, ...changes });
const amounts = (list: Reading["facts"]) => list.map((fact) => "amount" in fact && fact.amount?.minor);

describe("the two shapes", () => {
  test("an event of the reference pages and a flat one of the sample say the same", () => {
    for (const type of ["cart.order.completed", "payment.sale.succeeded"])
      expect(reading(flat(type, sold))).toEqual(reading(event(type, sold)));
    expect(reading(flat("payment.refund.created", givenBack))).toEqual(
      reading(event("payment.refund.created", givenBack)),
    );
  });

  test("type goes before the event_type its data repeats", () => {
    const data = { ...sold, event_type: "payouts.transfer.completed" };
    expect(reading(event("payment.sale.succeeded", data)).event).toBe("payment.sale.succeeded");
  });

  test("the prefix cope. is not part of the event's name", () => {
    expect(reading(event("cope.payment.sale.succeeded", sold))).toEqual(reading(event("payment.sale.succeeded", sold)));
    expect(reading(flat("cope.payment.sale.succeeded", sold)).event).toBe("payment.sale.succeeded");
  });

  test.each(["This is a test webhook.", "Your COPE test-webhook", "webhook test"])(
    "the dashboard's test message %j is read and does nothing",
    (message) => {
      expect(parse(bytes(JSON.stringify({ message })))).toEqual({ ok: true, reading: { event: "test", facts: [] } });
    },
  );

  test.each([
    ["unreadable_encoding", new Uint8Array([0xff, 0xfe])],
    ["unreadable_json", bytes("event_type=x")],
    ["unreadable_shape", bytes("[1]")],
    ["unreadable_event", bytes("{}")],
    ["unreadable_event", bytes('{"message":"the latest news"}')],
    ["unreadable_event", bytes('{"specversion":"1.0","data":{}}')],
    ["unreadable_data", event("payment.sale.succeeded", "text")],
    ["unreadable_data", event("payment.sale.succeeded", [sold])],
  ])("%s: the message waits for the operator", (code, body) => {
    expect(parse(body)).toMatchObject({ ok: false, code });
  });

  test("the published vector names neither order nor product, and waits", () => {
    expect(parse(bytes(vector("sale-succeeded").body))).toMatchObject({ ok: false, code: "unreadable_product" });
  });

  test.each([
    "payouts.transfer.completed",
    "payment.dispute.counter_fee.created",
    "subscription.amount_changed",
    "something.new",
  ])("%s is read and says nothing", (type) => {
    const {
      facts: said,
      aliases,
      buyer: who,
      ...rest
    } = reading(event(type, { amount_cents: 12 }, { subject: "order:o" }));
    expect({ said, aliases, who, rest }).toEqual({
      said: [],
      aliases: undefined,
      who: undefined,
      rest: { event: type, orderId: "o" },
    });
  });

  test("added fields change nothing", () => {
    const more = { vat_mode: "cope_vat", first_click_ref: "partner", seller_vat_info: { id: 1 } };
    expect(reading(event("cart.order.completed", { ...sold, ...more }, { extension: 1 }))).toEqual(
      reading(event("cart.order.completed", sold)),
    );
  });
});

describe("sales", () => {
  test("a sale is a payment for each product of the order, with its buyer and the ids others know it by", () => {
    expect(reading(event("cart.order.completed", sold))).toEqual({
      event: "cart.order.completed",
      orderId: ids.order,
      aliases: [`payment:${ids.payment}`],
      buyer: { email: "mara.lindner@example.de", firstName: "Mara", lastName: "Lindner", country: "DE" },
      facts: [
        {
          kind: "payment",
          transactionId: ids.payment,
          amount: eur(29700n),
          identity: `payment:${ids.payment}:${ids.course}`,
          productId: ids.course,
          productName: "Videokurs",
          quantity: 1,
          happenedAt: at("2026-03-02T09:15:30Z"),
        },
        {
          kind: "payment",
          transactionId: ids.payment,
          amount: eur(2700n),
          identity: `payment:${ids.payment}:${ids.workbook}`,
          productId: ids.workbook,
          productName: "Arbeitsheft",
          quantity: 1,
          happenedAt: at("2026-03-02T09:15:30Z"),
        },
      ],
    });
  });

  test("the completion of an order and its sale are one payment, whichever shape each has", () => {
    const told = [
      reading(event("cart.order.completed", sold, { subject: `order:${ids.order}` })),
      reading(event("payment.sale.succeeded", sold, { subject: `payment:${ids.payment}` })),
      reading(flat("payment.sale.succeeded", sold)),
      reading(event("payment.sale.succeeded", { ...sold, payment: null }, { subject: `payment:${ids.payment}` })),
      reading(event("payment.sale.succeeded", { ...sold, payment: null, payment_uuid: ids.payment })),
      reading(
        flat("payment.sale.succeeded", {
          ...sold,
          payment: {},
          idempotency_key: `payment.sale.succeeded:${ids.payment}`,
        }),
      ),
      reading(event("payment.sale.succeeded", { ...sold, order: null }, { subject: `order:${ids.order}` })),
    ];
    for (const one of told) {
      expect(one.orderId).toBe(ids.order);
      expect(one.facts).toEqual(told[0]?.facts);
    }
  });

  test("a sale that knows its payment but not its order has the same identity, and waits for the order", () => {
    const { orderId, aliases, facts: said } = reading(event("payment.sale.succeeded", { ...sold, order: null }));
    expect(orderId).toBeUndefined();
    expect(aliases).toEqual([`payment:${ids.payment}`]);
    expect(said).toEqual(sale({}));
  });

  test("an order that names no payment, such as a free one, is booked under its own id", () => {
    const free = { ...sold, payment: null, line_items: [line(ids.course, "Videokurs", 0)] };
    expect(reading(event("cart.order.completed", free)).facts).toMatchObject([
      { transactionId: ids.order, amount: eur(0n), identity: `payment:${ids.order}:${ids.course}` },
    ]);
  });

  test("a renewal is another payment of the same order", () => {
    const renewal = sale({ payment: { uuid: "p-2" }, occurred_at: "2026-04-02T09:15:30Z" });
    expect(renewal[0]?.identity).not.toBe(sale({})[0]?.identity);
    expect(reading(event("payment.sale.succeeded", { ...sold, payment: { uuid: "p-2" } })).orderId).toBe(ids.order);
  });

  test("a renewal that knows only its subscription is tied to the order by it", () => {
    const subscription = { uuid: "sub-1" };
    const first = reading(event("cart.order.completed", { ...sold, subscription }));
    const renewal = reading(
      event("payment.sale.succeeded", { ...sold, order: null, buyer: null, payment: { uuid: "p-2" }, subscription }),
    );
    expect(first.aliases).toEqual([`payment:${ids.payment}`, "subscription:sub-1"]);
    expect(renewal).not.toHaveProperty("orderId");
    expect(renewal).not.toHaveProperty("buyer");
    expect(renewal.aliases).toEqual(["payment:p-2", "subscription:sub-1"]);
  });

  test("a subscription is the plan of its own line, or of the only line", () => {
    const own = { ...workbook, subscription: { uuid: "sub-1" } };
    const plans = (changes: Payload) => sale(changes).map((fact) => fact.plan);
    expect(plans({})).toEqual([undefined, undefined]);
    expect(plans({ line_items: [course, own] })).toEqual([undefined, { kind: "subscription" }]);
    expect(plans({ line_items: [course], subscription_uuid: "sub-1" })).toEqual([{ kind: "subscription" }]);
    expect(plans({ subscription_uuid: "sub-1" })).toEqual([undefined, undefined]);
  });

  test("ids prefixed or as UUID are kept exactly, and a second id of the order is another name for it", () => {
    const both = reading(
      event("payment.sale.succeeded", {
        ...sold,
        order: { uuid: ids.order, id: "ord_01" },
        line_items: [{ ...course, product: { id: "prod_77" } }],
      }),
    );
    expect(both).toMatchObject({ orderId: ids.order, aliases: ["ord_01", `payment:${ids.payment}`] });
    expect(both.facts[0]?.productId).toBe("prod_77");
    const { orderId } = reading(event("payment.sale.succeeded", { ...sold, order: { id: "ord_01" } }));
    expect(orderId).toBe("ord_01");
  });

  test("two lines of one product are one item with the money of both", () => {
    const twice = [course, { ...course, quantity: 2, amounts: { gross_cents: 59400 } }];
    expect(sale({ line_items: twice })).toMatchObject([{ productId: ids.course, amount: eur(89100n), quantity: 3 }]);
  });

  test("what was really paid is shared among the lines where they do not add up to it", () => {
    for (const paid of [{ payment: { uuid: ids.payment, amount_cents: 16201 } }, { totals: { gross_cents: 16201 } }])
      expect(amounts(sale(paid))).toEqual([14850n, 1351n]);
    const free = [line("a", "A", 0), line("b", "B", 0)];
    expect(amounts(sale({ line_items: free, totals: { gross_cents: 101 } }))).toEqual([50n, 51n]);
    const units = { line_items: [{ ...course, quantity: 3 }], totals: { gross_cents: 89100 } };
    expect(amounts(sale(units))).toEqual([89100n]);
  });

  test("the only line has the whole sum where it names none, and several without their own wait", () => {
    const bare = { product: { uuid: ids.course } };
    expect(amounts(sale({ line_items: [bare], totals: { gross_cents: 29700 } }))).toEqual([29700n]);
    expect(
      parse(event("payment.sale.succeeded", { ...sold, line_items: [bare, workbook], totals: { gross_cents: 32400 } })),
    ).toMatchObject({ code: "unreadable_amount" });
  });

  test.each([
    ["24.99", "unreadable_amount"],
    [24.99, "unreadable_amount"],
    ["1e3", "unreadable_amount"],
    [1e21, "unreadable_amount"],
    [{}, "unreadable_amount"],
    [true, "unreadable_amount"],
    [null, "unreadable_amount"],
  ])("the amount %j is no number of cents", (gross_cents, code) => {
    const line_items = [{ ...course, amounts: { gross_cents } }];
    expect(parse(event("payment.sale.succeeded", { ...sold, line_items }))).toMatchObject({ ok: false, code });
  });

  test.each([
    ["unreadable_product", { line_items: null }],
    ["unreadable_product", { line_items: [] }],
    ["unreadable_product", { line_items: [null] }],
    ["unreadable_product", { line_items: [{ ...course, product: { name: "Videokurs" } }] }],
    ["unreadable_currency", { currency: null }],
    ["unreadable_currency", { currency: "EURO" }],
    ["unreadable_order", { order: null, payment: null }],
  ])("%s: a sale with %j waits for the operator", (code, changes) => {
    expect(parse(event("payment.sale.succeeded", { ...sold, ...changes }))).toMatchObject({ ok: false, code });
  });

  test("the currency may stand beside the amounts of a line, and minor units are its own", () => {
    const yen = { ...course, amounts: { gross_cents: 500, currency: "jpy" } };
    const [fact] = sale({ currency: undefined, line_items: [yen] });
    expect(fact).toMatchObject({ amount: { minor: 500n, currency: "JPY" } });
  });

  test("the message's own time goes before the envelope's, and there may be none", () => {
    const happened = (changes: Payload, more: Payload = {}) =>
      facts("payment.sale.succeeded", { ...sold, ...changes }, more)[0]?.happenedAt;
    expect(happened({})).toBe(at("2026-03-02T09:15:30Z"));
    expect(happened({ occurred_at: null })).toBe(at("2026-03-02T09:15:31.250Z"));
    expect(happened({ occurred_at: "2026-03-02T09:15:30" })).toBe(at("2026-03-02T09:15:30Z"));
    expect(happened({ occurred_at: null }, { time: null })).toBeUndefined();
  });

  test("a buyer without an address opens no order", () => {
    const who = (changes: Payload) => reading(event("cart.order.completed", { ...sold, ...changes })).buyer;
    expect(who({ buyer: null })).toBeUndefined();
    expect(who({ buyer: { ...buyer, email: "" } })).toBeUndefined();
    expect(
      who({ buyer: { email: " a@example.com ", name: "Mara Lindner", company: "Töpferei", locale: "de-DE" } }),
    ).toEqual({
      email: "a@example.com",
      firstName: "Mara Lindner",
      company: "Töpferei",
      language: "de-DE",
    });
  });

  test.each(["order", "payment", "buyer"])(
    "the vendor's own reference is found in %s as well as beside it",
    (place) => {
      const within = { ...sold, [place]: { ...(sold[place] as Payload), client_reference_id: "user-7" } };
      for (const data of [within, { ...sold, client_reference_id: "user-7" }])
        expect(reading(event("cart.order.completed", data)).buyer?.reference).toBe("user-7");
    },
  );
});

describe("refunds", () => {
  test("a full refund gives back every line of its payment", () => {
    const said = reading(event("payment.refund.created", givenBack, { subject: `refund:${ids.refund}` }));
    expect(said).toMatchObject({
      orderId: ids.order,
      aliases: [`payment:${ids.payment}`, `refund:${ids.refund}`],
      buyer: { email: "mara.lindner@example.de" },
      facts: [
        { kind: "refund", transactionId: ids.refund, refunds: ids.payment, amount: eur(29700n), productId: ids.course },
        {
          kind: "refund",
          transactionId: ids.refund,
          refunds: ids.payment,
          amount: eur(2700n),
          productId: ids.workbook,
        },
      ],
    });
    expect(new Set(said.facts.map((fact) => fact.identity)).size).toBe(2);
  });

  test("a refund of one product is that product's alone", () => {
    const only = refund({ line_items: [workbook], refund: { uuid: ids.refund, amount_cents: 2700 } });
    expect(only).toMatchObject([{ productId: ids.workbook, amount: eur(2700n) }]);
  });

  test("of a part refund each line that is listed bears its part", () => {
    expect(amounts(refund({ refund: { uuid: ids.refund, amount_cents: 16200 } }))).toEqual([14850n, 1350n]);
    const one = refund({ line_items: [course], refund: { uuid: ids.refund, amount_cents: 100 } });
    expect(amounts(one)).toEqual([100n]);
  });

  test("a refund without an amount of its own is that of its lines, and a minus means the same", () => {
    expect(amounts(refund({ refund: { uuid: ids.refund } }))).toEqual([29700n, 2700n]);
    expect(amounts(refund({ refund: { uuid: ids.refund, amount_cents: -32400 } }))).toEqual([29700n, 2700n]);
  });

  test("a refund without lines is one of the whole order", () => {
    expect(refund({ line_items: undefined })).toMatchObject([{ productId: "", amount: eur(32400n) }]);
  });

  test("a line of which nothing was given back says nothing", () => {
    const free = line(ids.workbook, "Arbeitsheft", 0);
    const said = refund({ line_items: [course, free], refund: { uuid: ids.refund, amount_cents: 29700 } });
    expect(said.map((fact) => fact.productId)).toEqual([ids.course]);
  });

  test("the refund is known by its subject, its own id, a loose one or the message's key", () => {
    const bare = { ...givenBack, refund: { amount_cents: 32400 } };
    const key = `payment.refund.created:${ids.refund}`;
    for (const said of [
      facts("payment.refund.created", bare, { subject: `refund:${ids.refund}` }),
      facts("payment.refund.created", { ...bare, refund_uuid: ids.refund }),
      facts("payment.refund.created", bare, { id: key }),
      facts("payment.refund.created", bare, { idempotency_key: key }),
    ])
      expect(said).toEqual(refund({}));
    expect(parse(event("payment.refund.created", bare))).toMatchObject({ code: "unreadable_refund" });
  });

  test("a refund that is reversed is found by nothing but itself", () => {
    const said = reading(
      event("payment.refund.reversed", { amount_cents: 32400, currency: "EUR" }, { subject: `refund:${ids.refund}` }),
    );
    expect(said).toEqual({
      event: "payment.refund.reversed",
      aliases: [`refund:${ids.refund}`],
      facts: [
        {
          kind: "refund_reversed",
          transactionId: ids.refund,
          reverses: ids.refund,
          identity: `refund_reversed:${ids.refund}:`,
          productId: "",
          happenedAt: at("2026-03-02T09:15:31.250Z"),
        },
      ],
    });
    expect(parse(event("payment.refund.reversed", {}))).toMatchObject({ code: "unreadable_refund" });
  });
});

describe("disputes and chargebacks", () => {
  const dispute = {
    dispute_uuid: ids.dispute,
    original_payment_uuid: ids.payment,
    amount_cents: 32400,
    currency: "EUR",
    state: "needs_response",
  };

  test.each([
    ["opened", "dispute_opened"],
    ["won", "dispute_won"],
    ["lost", "dispute_lost"],
  ])("payment.dispute.%s is a %s of the whole order, tied to it by the payment", (word, kind) => {
    expect(reading(event(`payment.dispute.${word}`, { dispute }, { subject: `dispute:${ids.dispute}` }))).toMatchObject(
      {
        aliases: [`payment:${ids.payment}`, `dispute:${ids.dispute}`],
        facts: [{ kind, transactionId: ids.payment, amount: eur(32400n), productId: "" }],
      },
    );
  });

  test("a chargeback that names the payment is the same case as its dispute, but another word on it", () => {
    const chargeback = { uuid: ids.chargeback, original_payment_uuid: ids.payment, amount_cents: 32400 };
    const [opened] = facts("payment.dispute.opened", { dispute });
    const [taken] = facts("payment.chargeback.created", { chargeback, currency: "EUR" });
    const [returned] = facts("payment.chargeback.reversed", { chargeback, currency: "EUR" });
    expect(taken).toMatchObject({ kind: "dispute_opened", transactionId: ids.payment, amount: eur(32400n) });
    expect(returned).toMatchObject({ kind: "dispute_won", transactionId: ids.payment });
    expect(new Set([opened, taken, returned].map((fact) => fact?.identity)).size).toBe(3);
  });

  test("a chargeback that names nothing but itself waits under its own id", () => {
    const said = reading(
      event(
        "payment.chargeback.created",
        { amount_cents: 32400, currency: "EUR" },
        { subject: `chargeback:${ids.chargeback}` },
      ),
    );
    expect(said).toMatchObject({
      aliases: [`chargeback:${ids.chargeback}`],
      facts: [{ transactionId: ids.chargeback }],
    });
    expect(said).not.toHaveProperty("orderId");
  });

  test("a verdict that changes back and forth is a fact each time, and a repeat is not", () => {
    const lost = (occurred_at: string) => facts("payment.dispute.lost", { dispute, occurred_at })[0]?.identity;
    expect(lost("2026-04-01T00:00:00Z")).not.toBe(lost("2026-05-01T00:00:00Z"));
    expect(lost("2026-04-01T00:00:00Z")).toBe(lost("2026-04-01T00:00:00Z"));
  });

  test("a lost dispute needs its amount, the others do not", () => {
    const bare = { dispute: { dispute_uuid: ids.dispute } };
    expect(parse(event("payment.dispute.lost", bare))).toMatchObject({ code: "unreadable_amount" });
    expect(parse(event("payment.dispute.lost", { dispute: { ...dispute, currency: "?" } }))).toMatchObject({
      code: "unreadable_currency",
    });
    for (const word of ["opened", "won"])
      expect(facts(`payment.dispute.${word}`, bare)).toMatchObject([{ transactionId: ids.dispute }]);
    expect(parse(event("payment.dispute.opened", {}))).toMatchObject({ code: "unreadable_case" });
    expect(parse(event("payment.dispute.opened", { dispute: { ...dispute, amount_cents: "9.99" } }))).toMatchObject({
      code: "unreadable_amount",
    });
  });
});

describe("cancellations", () => {
  test("a cancelled subscription names no day, and knows its order by the subscription", () => {
    const said = reading(event("subscription.cancelled", { subscription: { uuid: "sub-1" } }));
    expect(said).toMatchObject({
      aliases: ["subscription:sub-1"],
      facts: [{ kind: "cancelled", chosenByVendor: false, productId: "" }],
    });
    expect(said.facts[0]).not.toHaveProperty("for");
  });

  test("it is that of the products it lists, and in the flat shape of the sample too", () => {
    const data = { order: { uuid: ids.order }, line_items: [workbook] };
    expect(reading(flat("subscription.cancelled", data)).facts).toMatchObject([{ productId: ids.workbook }]);
    expect(parse(flat("subscription.cancelled", {}))).toMatchObject({ code: "unreadable_order" });
  });

  test("a second cancellation, months later, is another one", () => {
    const cancelled = (occurred_at: string) =>
      facts("subscription.cancelled", { occurred_at, subscription_id: "sub-1" })[0]?.identity;
    expect(cancelled("2026-04-01T00:00:00Z")).not.toBe(cancelled("2026-09-01T00:00:00Z"));
  });
});

test("no message tells whether it is of a test: the connection does", () => {
  expect(reading(event("cart.order.completed", sold))).not.toHaveProperty("mode");
});

test("what could be stored is answered with 200, a wrong signature with 401, and what has to come again with 503", () => {
  const status = (outcome: Parameters<typeof cope.answer>[0]) => cope.answer(outcome).status;
  expect([status("stored"), status("refused"), status("unavailable")]).toEqual([200, 401, 503]);
  expect(cope.answer("refused").body).not.toMatch(/signature|secret|time/);
});

const types = [
  "cart.order.completed",
  "payment.sale.succeeded",
  "payment.refund.created",
  "payment.refund.reversed",
  "payment.dispute.opened",
  "payment.dispute.lost",
  "payment.chargeback.created",
  "subscription.cancelled",
  "other",
];

test("no bytes and no JSON make parsing throw", () => {
  const data = fc.oneof(fc.jsonValue(), fc.record({ order: fc.jsonValue(), line_items: fc.array(fc.jsonValue()) }));
  const fields = fc.dictionary(
    fc.constantFrom(...Object.keys(givenBack), "subject", "dispute", "amount_cents"),
    fc.jsonValue(),
  );
  const body = fc.oneof(
    fc.uint8Array().map((bytesOf) => new Uint8Array(bytesOf)),
    fc.tuple(fc.constantFrom(...types), data, fields).map(([type, value, more]) => event(type, value, more)),
    fc.tuple(fc.constantFrom(...types), fields).map(([type, changes]) => event(type, { ...givenBack, ...changes })),
    fc.tuple(fc.constantFrom(...types), fields).map(([type, more]) => flat(type, givenBack, more)),
  );
  fc.assert(
    fc.property(body, (one) => {
      const parsed = parse(one);
      if (!parsed.ok) expect(parsed.code).toMatch(/^unreadable_/);
      else for (const fact of parsed.reading.facts) expect(fact.identity.startsWith(`${fact.kind}:`)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test("whatever was paid in all, the parts of the lines make it up and none is negative", () => {
  const cents = fc.integer({ min: 0, max: 10_000_000 });
  fc.assert(
    fc.property(cents, fc.array(cents, { minLength: 1, maxLength: 6 }), (total, each) => {
      const line_items = each.map((gross, n) => line(`p${n}`, "x", gross));
      const parts = amounts(sale({ line_items, payment: { uuid: "p", amount_cents: total } }));
      const moved = parts.flatMap((part) => (typeof part === "bigint" && part >= 0n ? [part] : []));
      expect(moved).toHaveLength(each.length);
      expect(moved.reduce((sum, part) => sum + part, 0n)).toBe(BigInt(total));
    }),
  );
});
