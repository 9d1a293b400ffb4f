import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Known } from "../protocol.ts";
import {
  bytes,
  chargeback,
  customer,
  eur,
  event,
  payment,
  refund,
  renewal,
  reply,
  subscription,
  vector,
  vectors,
} from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";

const call = bytes("id=tr_5TestAbCdE1");
const at = (text: string) => Date.parse(text);
const money = (minor: bigint, currency = "EUR") => ({ minor, currency });

function reading(body: Uint8Array, known: Known = {}) {
  const parsed = parse(body, known);
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.reading;
}

/** What a classic call says when Mollie answers this. */
function fetched(changes: Record<string, unknown> = {}, ...more: unknown[]) {
  const paid = payment(changes);
  return reading(bytes(`id=${String(paid["id"])}`), { replies: [paid, ...more].map((one) => reply(one)) });
}

const facts = (changes: Record<string, unknown>, ...more: unknown[]) => fetched(changes, ...more).facts;
const kinds = (changes: Record<string, unknown>, ...more: unknown[]) => facts(changes, ...more).map(({ kind }) => kind);

const sale = {
  kind: "payment",
  transactionId: "tr_5TestAbCdE1",
  amount: money(11900n),
  identity: "payment:tr_5TestAbCdE1",
  productId: "kurs-1",
  productName: "Grundkurs Töpfern",
  plan: { kind: "once" },
  happenedAt: at("2026-03-02T09:15:30Z"),
};
const givenBack = {
  kind: "refund",
  transactionId: "re_TestRefund1",
  amount: money(11900n),
  refunds: "tr_5TestAbCdE1",
  identity: "refund:re_TestRefund1",
  productId: "",
  happenedAt: at("2026-03-09T10:00:00Z"),
};
const takenBack = {
  kind: "dispute_opened",
  transactionId: "tr_5TestAbCdE1",
  amount: money(11900n),
  identity: "dispute_opened:chb_TestBack1",
  productId: "",
  happenedAt: at("2026-03-20T08:00:00Z"),
};

describe("a classic call", () => {
  test("is read from what Mollie answered", () => {
    expect(fetched()).toEqual({
      event: "payment.paid",
      mode: "live",
      orderId: "A-1001",
      aliases: ["tr_5TestAbCdE1"],
      orderedOn: "2026-03-02",
      buyer: {
        email: "kaeufer@example.com",
        firstName: "Jörg",
        lastName: "Müller",
        company: "Müller Keramik",
        country: "DE",
        language: "de-DE",
      },
      facts: [sale],
    });
  });

  test("waits while nothing was fetched", () => {
    expect(parse(call)).toMatchObject({ ok: false, code: "unreadable_reply" });
    expect(parse(call, { replies: [reply(payment({ id: "tr_Other" }))] })).toMatchObject({ code: "unreadable_reply" });
  });

  test("of a test payment is a test", () => expect(fetched({ mode: "test" }).mode).toBe("test"));

  test.each([
    ["open", []],
    ["pending", []],
    ["authorized", []],
    ["failed", []],
    ["expired", []],
    ["canceled", []],
    ["paid", ["payment"]],
    ["new-state", []],
  ])("whose one-time payment is %s says %j", (status, said) => expect(kinds({ status })).toEqual(said));

  test.each([
    ["open", []],
    ["pending", ["payment_pending"]],
    ["authorized", ["payment_pending"]],
    ["failed", ["payment_failed"]],
    ["expired", ["payment_failed"]],
    ["canceled", ["payment_failed"]],
    ["paid", ["payment"]],
  ])("whose recurring payment is %s says %j", (status, said) =>
    expect(kinds({ sequenceType: "recurring", status })).toEqual(said),
  );

  test("whose payment failed happened when it failed", () =>
    expect(facts({ sequenceType: "recurring", status: "failed", failedAt: "2026-04-02T00:00:01+00:00" })).toMatchObject(
      [{ kind: "payment_failed", identity: "payment_failed:tr_5TestAbCdE1", happenedAt: at("2026-04-02T00:00:01Z") }],
    ));

  test("an amount is decimal text in major units, without decimals for yen", () => {
    expect(facts({ amount: { currency: "JPY", value: "1000" } })).toMatchObject([{ amount: money(1000n, "JPY") }]);
    expect(facts({ amount: eur("10.00") })).toMatchObject([{ amount: money(1000n) }]);
    const odd = [eur("10,00"), eur("10.001"), { currency: "???", value: "1.00" }, null, "10.00"];
    for (const amount of odd) {
      expect(parse(call, { replies: [reply(payment({ amount }))] })).toMatchObject({ code: "unreadable_amount" });
    }
  });

  test("a first payment of nothing only authorises, and buys nothing", () => {
    expect(kinds({ sequenceType: "first", amount: eur("0.00") })).toEqual([]);
    expect(kinds({ sequenceType: "first", amount: eur("0.01") })).toEqual(["payment"]);
  });
});

describe("money that went back", () => {
  const back = (refunds: unknown[], chargebacks: unknown[] = []) =>
    facts({ amountRefunded: eur("1.00"), _embedded: { refunds, chargebacks } });

  test("stands beside a payment that stays paid", () => {
    expect(back([refund()], [chargeback()])).toEqual([sale, givenBack, takenBack]);
  });

  test("the same call later adds what is new and repeats the rest under the same identities", () => {
    const before = facts({});
    const after = back([refund()]);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.map(({ identity }) => identity)).toEqual(["payment:tr_5TestAbCdE1", "refund:re_TestRefund1"]);
  });

  test.each([
    ["queued", []],
    ["pending", []],
    ["canceled", []],
    ["processing", ["refund"]],
    ["refunded", ["refund"]],
    ["failed", ["refund_reversed"]],
  ])("a refund that is %s says %j", (status, said) => {
    expect(back([refund({ status })]).map(({ kind }) => kind)).toEqual(["payment", ...said]);
  });

  test("a refund says the same while it is processed and when it is done", () => {
    expect(back([refund({ status: "processing" })])).toEqual(back([refund({ status: "refunded" })]));
  });

  test("a refund that failed is taken back under its own id", () => {
    expect(back([refund({ status: "failed" })])[1]).toMatchObject({ reverses: "re_TestRefund1" });
  });

  test("two part refunds are two facts", () => {
    const parts = [refund({ amount: eur("19.00") }), refund({ id: "re_Two", amount: eur("100.00") })];
    expect(back(parts).slice(1)).toMatchObject([
      { identity: "refund:re_TestRefund1", amount: money(1900n) },
      { identity: "refund:re_Two", amount: money(10000n) },
    ]);
  });

  test("a chargeback that was reversed is won", () => {
    expect(back([], [chargeback({ reversedAt: "2026-04-01T00:00:00+00:00" })]).slice(1)).toMatchObject([
      takenBack,
      { kind: "dispute_won", identity: "dispute_won:chb_TestBack1", happenedAt: at("2026-04-01T00:00:00Z") },
    ]);
  });

  test("lists that were fetched apart say the same as embedded ones", () => {
    const sums = { amountRefunded: eur("119.00"), amountChargedBack: eur("119.00") };
    const lists = [{ _embedded: { refunds: [refund()] } }, { _embedded: { chargebacks: [chargeback()] } }];
    expect(facts(sums, ...lists)).toEqual([sale, givenBack, takenBack]);
  });

  test("one that cannot be read is not passed over", () => {
    const odd = payment({ _embedded: { refunds: [refund({ amount: null })] } });
    expect(parse(call, { replies: [reply(odd)] })).toMatchObject({ code: "unreadable_amount" });
  });
});

describe("the product", () => {
  const lines = [
    { type: "digital", sku: "kurs-1", description: "Kurs", quantity: 1, totalAmount: eur("100.00") },
    { type: "digital", sku: "buch-2", description: "Buch", quantity: 2, totalAmount: eur("30.00") },
    { type: "discount", description: "Frühling", quantity: 1, totalAmount: eur("-11.00") },
  ];

  test("is what the metadata says, written as JSON or as its text", () => {
    const metadata = { product_id: "p-7", product_name: "Sieben", quantity: 3 };
    const named = [{ productId: "p-7", productName: "Sieben", quantity: 3, identity: "payment:tr_5TestAbCdE1" }];
    expect(facts({ metadata, lines })).toMatchObject(named);
    expect(facts({ metadata: JSON.stringify(metadata) })).toMatchObject(named);
    expect(facts({ metadata: { product_id: 12345 } })).toMatchObject([{ productId: "12345" }]);
  });

  test("is each line's SKU where there is no metadata, and what is not sold is borne by all", () => {
    expect(facts({ metadata: null, lines })).toMatchObject([
      { productId: "kurs-1", quantity: 1, amount: money(9153n), identity: "payment:tr_5TestAbCdE1:kurs-1" },
      { productId: "buch-2", quantity: 2, amount: money(2747n), identity: "payment:tr_5TestAbCdE1:buch-2" },
    ]);
  });

  test("lines make up the payment, whatever they say", () => {
    const value = fc.nat({ max: 99_999_999 }).map((cents) => (cents / 100).toFixed(2));
    const line = fc.record({ sku: fc.constantFrom("a", "b", "c"), totalAmount: value.map(eur) });
    fc.assert(
      fc.property(value, fc.array(line, { maxLength: 6 }), (total, some) => {
        const amounts = facts({ metadata: null, amount: eur(total), lines: some }).map((fact) =>
          "amount" in fact && fact.amount ? fact.amount.minor : 0n,
        );
        expect(amounts.reduce((sum, minor) => sum + minor, 0n)).toBe(BigInt(total.replace(".", "")));
      }),
    );
  });

  test.each([
    ["no lines", undefined],
    ["a line without a SKU", [{ description: "Kurs", totalAmount: eur("119.00") }]],
    ["lines of nothing", [{ sku: "a", totalAmount: eur("0.00") }]],
    ["lines that are none", ["kurs"]],
  ])("is the description where there is %s", (_, some) => {
    expect(facts({ metadata: "note", lines: some })).toMatchObject([{ productId: "Grundkurs Töpfern" }]);
  });
});

describe("the order", () => {
  const names = (changes: Record<string, unknown>, ...more: unknown[]) => {
    const { orderId, aliases } = fetched(changes, ...more);
    return [orderId, aliases];
  };

  test("is what the seller calls it, and is known by the payment and the subscription too", () => {
    expect(names({ ...renewal, metadata: { order_id: "A-1001" } }, subscription)).toEqual([
      "A-1001",
      ["sub_TestPlan1", "tr_Renewal2"],
    ]);
  });
  test("else the subscription", () => expect(names(renewal, subscription)).toEqual(["sub_TestPlan1", ["tr_Renewal2"]]));
  test("else the payment", () => expect(names({ metadata: null })).toEqual(["tr_5TestAbCdE1", undefined]));
  test("is never a text that many payments may share", () =>
    expect(names({ metadata: "webshop", description: "webshop" })[0]).toBe("tr_5TestAbCdE1"));
});

describe("the plan", () => {
  const plan = (changes: Record<string, unknown>, ...more: unknown[]) => facts(changes, ...more)[0]?.plan;

  test.each([
    ["12 months", { unit: "month", count: 12 }],
    ["1 month", { unit: "month", count: 1 }],
    ["14 days", { unit: "day", count: 14 }],
    ["1 week", { unit: "week", count: 1 }],
  ])("of a subscription charged every %s is known from it", (interval, expected) => {
    expect(plan(renewal, { ...subscription, interval })).toEqual({ kind: "subscription", interval: expected });
  });
  test("of a subscription with a number of payments is one of instalments", () =>
    expect(plan(renewal, { ...subscription, times: 3, timesRemaining: 1 })).toMatchObject({
      kind: "instalments",
      total: 3,
    }));
  test("of a first and of a recurring payment is a subscription, even where it cannot be fetched", () => {
    expect(plan({ sequenceType: "first" })).toEqual({ kind: "subscription" });
    expect(plan(renewal)).toEqual({ kind: "subscription" });
  });
  test("does not depend on when it was asked for", () => {
    const later = { ...subscription, nextPaymentDate: "2031-01-01", timesRemaining: 0 };
    expect(facts(renewal, later)).toEqual(facts(renewal, subscription));
  });
  test("that was cancelled says so, and what was paid runs on", () => {
    const canceled = { ...subscription, status: "canceled", canceledAt: "2026-03-05T12:00:00+00:00" };
    expect(facts(renewal, canceled)).toMatchObject([
      { kind: "payment" },
      {
        kind: "cancelled",
        chosenByVendor: false,
        identity: "cancelled:sub_TestPlan1",
        productId: "Grundkurs Töpfern",
        happenedAt: at("2026-03-05T12:00:00Z"),
      },
    ]);
    expect(facts(renewal, canceled)[1]).not.toHaveProperty("for");
  });
  test.each(["active", "pending", "suspended", "completed"])("that is %s is not cancelled", (status) =>
    expect(kinds(renewal, { ...subscription, status })).toEqual(["payment"]),
  );
});

describe("the buyer", () => {
  const buyer = (changes: Record<string, unknown>, ...more: unknown[]) => fetched(changes, ...more).buyer;

  test("is first of all whom the metadata names", () =>
    expect(
      buyer({ metadata: { email: "eva@example.de", first_name: "Eva", last_name: "Kern", reference: "konto-1" } }),
    ).toMatchObject({ email: "eva@example.de", firstName: "Eva", lastName: "Kern", reference: "konto-1" }));
  test("may be known by a PayPal account, and never by an IBAN", () => {
    const details = { consumerName: "Eva Kern", consumerAccount: "eva@example.de" };
    expect(buyer({ details, billingAddress: undefined })).toEqual({
      email: "eva@example.de",
      firstName: "Eva",
      lastName: "Kern",
      language: "de-DE",
    });
    expect(buyer({ billingAddress: undefined })).toBeUndefined();
  });
  test("is else the customer", () =>
    expect(
      buyer({ ...renewal, billingAddress: undefined, details: null, locale: null }, subscription, customer),
    ).toEqual({ email: "anna.vogel@example.de", firstName: "Anna Maria", lastName: "Vogel", language: "de-AT" }));
});

describe("a new webhook", () => {
  test("with its full payload says what the classic call says", () => {
    expect(reading(bytes(event("payment.paid", payment())))).toEqual(fetched());
  });
  test("about a refund or a chargeback names the payment alone, in the very facts the payment tells", () => {
    expect(reading(bytes(event("refund.refunded", refund())))).toEqual({
      event: "refund.refunded",
      mode: "live",
      aliases: ["tr_5TestAbCdE1"],
      facts: [givenBack],
    });
    expect(reading(bytes(event("chargeback.received", chargeback())))).toEqual({
      event: "chargeback.received",
      aliases: ["tr_5TestAbCdE1"],
      facts: [takenBack],
    });
  });
  test("with a simple payload is read from what was fetched", () => {
    const simple = bytes(event("payment.paid", undefined, { entityId: "tr_5TestAbCdE1" }));
    expect(reading(simple, { replies: [reply(payment())] }).facts).toEqual([sale]);
    expect(parse(simple)).toMatchObject({ ok: false, code: "unreadable_entity" });
  });
  test("about a link that was paid is read from the payment behind it, the last one before the event", () => {
    const list = {
      _embedded: {
        payments: [
          payment({ id: "tr_Later", paidAt: "2026-03-02T11:00:00+00:00" }),
          payment(),
          payment({ id: "tr_Open", status: "open", paidAt: "2026-03-02T09:15:30+00:00" }),
          payment({ id: "tr_Earlier", paidAt: "2026-03-02T08:00:00+00:00" }),
        ],
      },
    };
    const body = bytes(vector("nextgen-simple").body);
    expect(reading(body, { replies: [reply(list), reply(payment())] })).toMatchObject({
      event: "payment-link.paid",
      orderId: "A-1001",
      facts: [sale],
    });
    expect(parse(body)).toMatchObject({ code: "unreadable_entity" });
  });
  test("about anything else says nothing", () => {
    for (const type of ["profile.verified", "payment-link.created", "sales-invoice.paid", "hook.ping"]) {
      expect(reading(bytes(event(type, { resource: "other", id: "x_1" })))).toEqual({ event: type, facts: [] });
    }
  });
});

test("the published messages are read, or wait for what only Mollie knows", () => {
  expect(vectors.map(({ name, body }) => [name, parse(bytes(body))])).toMatchObject([
    ["classic-id-only", { code: "unreadable_reply" }],
    ["classic-unknown-id", { code: "unreadable_reply" }],
    ["classic-hostile-id", { code: "unreadable_message" }],
    ["nextgen-simple", { code: "unreadable_entity" }],
    ["nextgen-tampered", { code: "unreadable_entity" }],
    ["nextgen-body-without-signature", { code: "unreadable_entity" }],
  ]);
});

test("no bytes and no replies make parsing throw", () => {
  const part = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom<unknown>(payment(), refund(), chargeback(), subscription, customer),
    fc.record({
      ...Object.fromEntries(Object.keys(payment()).map((name) => [name, fc.jsonValue()])),
      id: fc.constant("tr_5TestAbCdE1"),
    }),
  );
  const said = fc.array(part.map((value) => reply(value)));
  const body = fc.oneof(
    fc.uint8Array().map((data) => new Uint8Array(data)),
    fc.constant(call),
    part.map((entity) => bytes(JSON.stringify({ resource: "event", type: "payment.paid", _embedded: { entity } }))),
  );
  fc.assert(
    fc.property(body, said, (data, replies) => {
      expect(typeof parse(data, { replies }).ok).toBe("boolean");
    }),
  );
});
