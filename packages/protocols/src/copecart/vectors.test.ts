import { expect, test } from "vitest";
import { bytes, vector, vectors } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";

const at = (text: string) => Date.parse(text);
const eur = (minor: bigint) => ({ minor, currency: "EUR" });
const once = { kind: "once" };
const monthly = { kind: "subscription", interval: { unit: "month", count: 1 } };
const thirds = { kind: "instalments", interval: { unit: "month", count: 1 }, total: 3, agreed: eur(107100n) };

const course = { productId: "4be81c07", productName: "Online-Kurs Kräuterwissen", plan: once, quantity: 1 };
const book = { productId: "9d02f6ea", productName: "Begleitbuch als PDF", plan: once, quantity: 1 };
const club = { productId: "c35a7710", productName: "Mitgliedschaft Gartenclub", plan: monthly, quantity: 1 };
const year = { productId: "71f3d9b8", productName: "Jahresausbildung Gartentherapie", plan: thirds, quantity: 1 };
const ended = {
  ...club,
  kind: "cancelled",
  for: { day: "2026-07-15" },
  chosenByVendor: false,
  identity: "cancelled:Hc5LzP1u:c35a7710:2026-07-15",
};

const mara = {
  email: "mara.lindner@example.de",
  firstName: "Mara",
  lastName: "Lindner",
  country: "DE",
  reference: "konto-48213",
};
const petra = {
  email: "petra.vogel@example.com",
  firstName: "Petra",
  lastName: "Vogel",
  country: "DE",
  reference: "konto-50977",
};
const jonas = {
  email: "einkauf@oezdemir.example.com",
  firstName: "Jonas",
  lastName: "Özdemir",
  company: "Özdemir & Söhne Gartenbau GmbH",
  country: "DE",
};

type Expected = {
  vector: string;
  event: string;
  order: string;
  on: string;
  mode?: string;
  buyer?: object;
  facts: object[];
};

const expected: Expected[] = [
  {
    vector: "one-time-payment-made",
    event: "payment.made",
    order: "7kQ2mXvB",
    on: "2026-03-03",
    mode: "live",
    buyer: mara,
    facts: [
      {
        ...course,
        kind: "payment",
        transactionId: "8a41d0c2e5f7b936",
        amount: eur(11900n),
        rate: 1,
        happenedAt: at("2026-03-03T17:22:41Z"),
        identity: "payment:8a41d0c2e5f7b936:7kQ2mXvB:4be81c07",
      },
    ],
  },
  {
    vector: "upsell-payment-made",
    event: "payment.made",
    order: "7kQ2mXvB",
    on: "2026-03-03",
    mode: "live",
    buyer: mara,
    facts: [
      {
        ...book,
        kind: "payment",
        transactionId: "b6f09c3714ad2e85",
        amount: eur(2975n),
        rate: 1,
        happenedAt: at("2026-03-03T17:24:07Z"),
        identity: "payment:b6f09c3714ad2e85:7kQ2mXvB:9d02f6ea",
      },
    ],
  },
  {
    vector: "upsell-refunded",
    event: "payment.refunded",
    order: "7kQ2mXvB",
    on: "2026-03-03",
    mode: "live",
    buyer: mara,
    facts: [
      {
        ...book,
        kind: "refund",
        transactionId: "f25d77e1039cb04a",
        amount: eur(2975n),
        rate: 1,
        happenedAt: at("2026-03-09T09:05:12Z"),
        identity: "refund:f25d77e1039cb04a:7kQ2mXvB:9d02f6ea",
      },
    ],
  },
  {
    vector: "partial-refund",
    event: "payment.refunded",
    order: "7kQ2mXvB",
    on: "2026-03-03",
    mode: "live",
    buyer: mara,
    facts: [
      {
        ...course,
        kind: "refund",
        transactionId: "0c9be8a46d1f3527",
        amount: eur(5950n),
        rate: 1,
        happenedAt: at("2026-03-10T08:41:55Z"),
        identity: "refund:0c9be8a46d1f3527:7kQ2mXvB:4be81c07",
      },
    ],
  },
  {
    vector: "invoice-payment-pending",
    event: "payment.pending",
    order: "Bw9TnR4e",
    on: "2026-03-12",
    mode: "live",
    buyer: jonas,
    facts: [
      {
        ...course,
        quantity: 5,
        kind: "payment_pending",
        transactionId: "47ae20d95bc8613f",
        amount: eur(59500n),
        rate: 1,
        happenedAt: at("2026-03-12T08:15:33.204Z"),
        identity: "payment_pending:47ae20d95bc8613f:Bw9TnR4e:4be81c07",
      },
    ],
  },
  {
    vector: "invoice-payment-made",
    event: "payment.made",
    order: "Bw9TnR4e",
    on: "2026-03-12",
    mode: "live",
    buyer: jonas,
    facts: [
      {
        ...course,
        quantity: 5,
        kind: "payment",
        transactionId: "47ae20d95bc8613f",
        amount: eur(59500n),
        rate: 1,
        happenedAt: at("2026-03-18T13:02:10.870Z"),
        identity: "payment:47ae20d95bc8613f:Bw9TnR4e:4be81c07",
      },
    ],
  },
  {
    vector: "subscription-trial",
    event: "payment.trial",
    order: "Hc5LzP1u",
    on: "2026-04-01",
    mode: "live",
    buyer: petra,
    facts: [
      {
        ...club,
        kind: "trial",
        to: { day: "2026-04-15" },
        happenedAt: at("2026-04-01T05:48:19Z"),
        identity: "trial:d1730fb8c94e6a25:Hc5LzP1u:c35a7710",
      },
    ],
  },
  {
    vector: "subscription-first-payment",
    event: "payment.made",
    order: "Hc5LzP1u",
    on: "2026-04-01",
    mode: "live",
    buyer: petra,
    facts: [
      {
        ...club,
        kind: "payment",
        transactionId: "6e58a2f1b07dc394",
        amount: eur(2380n),
        rate: 1,
        next: { day: "2026-05-15" },
        happenedAt: at("2026-04-15T01:10:44Z"),
        identity: "payment:6e58a2f1b07dc394:Hc5LzP1u:c35a7710",
      },
    ],
  },
  {
    vector: "subscription-upcoming",
    event: "payment.recurring.upcoming",
    order: "Hc5LzP1u",
    on: "2026-04-01",
    buyer: petra,
    facts: [],
  },
  {
    vector: "subscription-renewal",
    event: "payment.made",
    order: "Hc5LzP1u",
    on: "2026-04-01",
    mode: "live",
    buyer: petra,
    facts: [
      {
        ...club,
        kind: "payment",
        transactionId: "29c4e7d0a81b5f63",
        amount: eur(2380n),
        rate: 2,
        next: { day: "2026-06-15" },
        happenedAt: at("2026-05-15T01:11:02Z"),
        identity: "payment:29c4e7d0a81b5f63:Hc5LzP1u:c35a7710",
      },
    ],
  },
  {
    vector: "subscription-payment-failed",
    event: "payment.failed",
    order: "Hc5LzP1u",
    on: "2026-04-01",
    mode: "live",
    buyer: petra,
    facts: [
      {
        ...club,
        kind: "payment_failed",
        transactionId: "93b1d5e86f0a2c47",
        rate: 3,
        happenedAt: at("2026-06-15T01:10:37Z"),
        identity: "payment_failed:93b1d5e86f0a2c47:Hc5LzP1u:c35a7710",
      },
    ],
  },
  {
    vector: "subscription-payment-recovered",
    event: "payment.made",
    order: "Hc5LzP1u",
    on: "2026-04-01",
    mode: "live",
    buyer: petra,
    facts: [
      {
        ...club,
        kind: "payment",
        transactionId: "e04f9a63c7d812b5",
        amount: eur(2380n),
        rate: 3,
        next: { day: "2026-07-15" },
        happenedAt: at("2026-06-18T09:26:50Z"),
        identity: "payment:e04f9a63c7d812b5:Hc5LzP1u:c35a7710",
      },
    ],
  },
  {
    vector: "subscription-cancelled",
    event: "payment.recurring.cancelled",
    order: "Hc5LzP1u",
    on: "2026-04-01",
    buyer: petra,
    facts: [{ ...ended, chosenByVendor: true, identity: `${ended.identity}:vendor` }],
  },
  {
    vector: "subscription-failed-after-cancellation",
    event: "payment.failed",
    order: "Hc5LzP1u",
    on: "2026-04-01",
    mode: "live",
    buyer: petra,
    facts: [
      {
        ...club,
        kind: "payment_failed",
        transactionId: "5a7c03e9d2f6184b",
        rate: 4,
        happenedAt: at("2026-07-15T01:10:12Z"),
        identity: "payment_failed:5a7c03e9d2f6184b:Hc5LzP1u:c35a7710",
      },
      ended,
    ],
  },
  {
    vector: "subscription-refunded",
    event: "payment.refunded",
    order: "Hc5LzP1u",
    on: "2026-04-01",
    mode: "live",
    buyer: petra,
    facts: [
      {
        ...club,
        kind: "refund",
        transactionId: "b8e6142d9f05ac73",
        amount: eur(2380n),
        rate: 3,
        happenedAt: at("2026-07-16T14:33:28Z"),
        identity: "refund:b8e6142d9f05ac73:Hc5LzP1u:c35a7710",
      },
      ended,
    ],
  },
  {
    vector: "instalment-1-of-3",
    event: "payment.made",
    order: "Ye8DfM3s",
    on: "2026-02-10",
    mode: "live",
    facts: [
      {
        ...year,
        kind: "payment",
        transactionId: "1d94c6f0a3e7b852",
        amount: eur(35700n),
        rate: 1,
        next: { day: "2026-03-10" },
        happenedAt: at("2026-02-10T19:05:31Z"),
        identity: "payment:1d94c6f0a3e7b852:Ye8DfM3s:71f3d9b8",
      },
    ],
  },
  {
    vector: "instalment-2-of-3",
    event: "payment.made",
    order: "Ye8DfM3s",
    on: "2026-02-10",
    mode: "live",
    facts: [
      {
        ...year,
        kind: "payment",
        transactionId: "7b20e5d81fc6493a",
        amount: eur(35700n),
        rate: 2,
        next: { day: "2026-04-10" },
        happenedAt: at("2026-03-10T02:20:09Z"),
        identity: "payment:7b20e5d81fc6493a:Ye8DfM3s:71f3d9b8",
      },
    ],
  },
  {
    vector: "instalment-3-of-3",
    event: "payment.made",
    order: "Ye8DfM3s",
    on: "2026-02-10",
    mode: "live",
    facts: [
      {
        ...year,
        kind: "payment",
        transactionId: "c4f81a0972de3b65",
        amount: eur(35700n),
        rate: 3,
        happenedAt: at("2026-04-10T01:20:15Z"),
        identity: "payment:c4f81a0972de3b65:Ye8DfM3s:71f3d9b8",
      },
    ],
  },
  {
    vector: "instalment-charged-back",
    event: "payment.charged_back",
    order: "Ye8DfM3s",
    on: "2026-02-10",
    mode: "live",
    facts: [
      {
        ...year,
        kind: "dispute_opened",
        transactionId: "ea35b7029dc14f68",
        amount: eur(35700n),
        rate: 2,
        happenedAt: at("2026-04-21T06:00:03Z"),
        identity: "dispute_opened:ea35b7029dc14f68:Ye8DfM3s:71f3d9b8:2026-04-21T06%3A00%3A03.000Z",
      },
    ],
  },
  {
    vector: "test-order",
    event: "payment.made",
    order: "Qa1ZtEs7",
    on: "2026-03-02",
    mode: "test",
    facts: [
      {
        ...course,
        kind: "payment",
        transactionId: "fe01dc23ba459867",
        amount: eur(11900n),
        rate: 1,
        happenedAt: at("2026-03-02T10:30:08Z"),
        identity: "payment:fe01dc23ba459867:Qa1ZtEs7:4be81c07",
      },
    ],
  },
  {
    vector: "numbers-instead-of-text",
    event: "payment.made",
    order: "Nm3RcV8k",
    on: "2026-05-20",
    mode: "live",
    buyer: { email: "tobias.hahn@example.de", firstName: "Tobias", lastName: "Hahn", country: "DE" },
    facts: [
      {
        productId: "023890f8",
        productName: "Saatgut-Paket",
        plan: once,
        quantity: 2,
        kind: "payment",
        transactionId: "03e47d6a58bc91f2",
        amount: eur(5760n),
        rate: 1,
        happenedAt: at("2026-05-20T15:00:12Z"),
        identity: "payment:03e47d6a58bc91f2:Nm3RcV8k:023890f8",
      },
    ],
  },
];

test("the table below speaks of every vector", () => {
  expect(expected.map((row) => row.vector)).toEqual(vectors.map(({ name }) => name));
});

test.each(expected)("$vector says what the table says", (row) => {
  const parsed = parse(bytes(vector(row.vector).body));
  if (!parsed.ok) throw new Error(parsed.sentence);
  const { buyer, ...rest } = parsed.reading;
  expect(rest).toEqual({
    event: row.event,
    ...(row.mode && { mode: row.mode }),
    orderId: row.order,
    orderedOn: row.on,
    facts: row.facts,
  });
  if (row.buyer) expect(buyer).toEqual(row.buyer);
});
