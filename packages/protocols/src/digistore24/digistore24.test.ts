import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseWhen, type When } from "../domain/day.ts";
import { berlinDay, inBerlin, lastBerlinDay } from "../berlin.ts";
import type { PaymentData } from "../domain/payment.ts";
import { anyPayment } from "../fixtures/any-payment.ts";
import type { Outgoing } from "../format.ts";
import { digistore24 } from "./digistore24.ts";
import { call } from "./fixtures/call.ts";
import { bytes, vectors } from "./fixtures/vectors.ts";
import { readForm } from "./form.ts";
import { digistore24Format } from "./format.ts";
import { verifyForm } from "./verify.ts";

type Told = { readonly event: Outgoing; readonly data: PaymentData };

function sent(event: Outgoing): Uint8Array<ArrayBuffer> {
  const body = digistore24Format.render(event, {});
  if (!body) throw new Error("the event was not rendered");
  return body;
}

/** What an event comes to for whoever receives it in this form. */
function meant({ event, data }: Told): object {
  const amount = data.amount && { minor: BigInt(data.amount.minor), currency: data.amount.currency };
  const transactionId = data.transaction_id ?? event.id;
  const next = dayOf(berlinDay(data.next_payment_at));
  const once = data.plan.kind === "once";
  const rate = once ? { rate: 1 } : data.rate ? { rate: data.rate } : {};
  switch (event.type) {
    case "payment.made":
      return { kind: "payment", transactionId, amount, ...rate, ...(!once && next && { next }) };
    case "order.trial_started":
      return { kind: "trial", to: dayOf(berlinDay(data.ends_at)) };
    case "payment.failed":
      return { kind: "payment_failed", transactionId };
    case "payment.refunded": {
      const refunds = data.parent_transaction_id;
      return {
        kind: "refund",
        transactionId,
        amount,
        ...rate,
        ...(refunds && refunds !== transactionId && { refunds }),
      };
    }
    case "payment.disputed":
      // Digistore24 has one word for a dispute, and it is said when the money is gone.
      return { kind: amount ? "dispute_lost" : "dispute_opened", transactionId, ...(amount && { amount }), ...rate };
    case "order.cancelled": {
      const until = dayOf(lastBerlinDay(data.ends_at));
      return { kind: "cancelled", chosenByVendor: false, ...(until && { for: until }) };
    }
    default:
      return { kind: "resumed" };
  }
}

function dayOf(text: string | undefined): When | undefined {
  return parseWhen(text, "Europe/Berlin");
}

/** Twelve months are told as they are; weeks are days on the wire, and whole weeks of days are weeks. */
function planOf({ plan }: PaymentData): object {
  if (plan.kind === "once") return { kind: "once" };
  const { interval } = plan;
  const weeks = interval?.unit === "day" && interval.count % 7 === 0;
  const told = weeks ? { unit: "week", count: interval.count / 7 } : interval;
  const total = plan.kind === "instalments" && plan.total ? { total: plan.total } : {};
  return { kind: plan.kind, ...(told && { interval: told }), ...total };
}

/** A trial is one of a plan, and nothing was paid for it: else it is a payment. */
const anySent = anyPayment([...(digistore24Format.events ?? [])].filter((type) => type !== "endpoint.test")).filter(
  ({ event, data }) => event.type !== "order.trial_started" || (data.plan.kind !== "once" && !data.amount),
);
const trimmed = (text: string | null | undefined) => text?.slice(0, 500).trim() || undefined;

test("whatever we send is verified and read as the fact it tells of", async () => {
  await fc.assert(
    fc.asyncProperty(anySent, async ({ event, data }) => {
      const told = event.type === "order.trial_started" ? { ...data, rate: 1 } : data;
      const trial = { ...event, data: JSON.stringify(told) };
      const secret = "Geh31m-Gärtner#2026";
      const { body } = await digistore24Format.sign(sent(trial), {
        id: event.id,
        at: event.at,
        secrets: [secret],
        number: 1,
      });
      expect(await verifyForm(body, [secret])).toEqual({ ok: true });
      const parsed = digistore24.parse(body);
      if (!parsed.ok) throw new Error(parsed.sentence);
      const { reading } = parsed;
      const { buyer, product } = data;
      const [firstName, lastName, company] = [buyer.first_name, buyer.last_name, buyer.company].map(trimmed);
      const [reference, language] = [trimmed(data.reference), buyer.language?.split("-")[0]];
      expect(reading).toMatchObject({
        mode: data.test ? "test" : "live",
        orderId: data.order_id,
        buyer: {
          email: buyer.email,
          ...(firstName && { firstName }),
          ...(lastName && { lastName }),
          ...(company && { company }),
          ...(buyer.country && { country: buyer.country }),
          ...(language && { language }),
          ...(reference && { reference }),
        },
      });
      expect(reading.orderedOn).toBe(berlinDay(data.ordered_at));
      const [fact, ...more] = reading.facts;
      // Paid-off instalments cannot be stopped any more; nothing else goes unsaid.
      expect(more).toEqual([]);
      const { identity, happenedAt, ...rest } = fact ?? { identity: "", happenedAt: 0 };
      expect(identity).not.toBe("");
      const productName = trimmed(product.name);
      expect(rest).toEqual({
        ...meant({ event, data: told }),
        productId: product.id,
        ...(productName && { productName }),
        quantity: data.quantity ?? 1,
        // What all rates come to is told where the message shows it.
        plan: expect.objectContaining(planOf(data)),
      });
      // A clock time without a zone: the hour that comes twice in autumn is the first of the two.
      expect(clock(happenedAt ?? 0)).toBe(clock(Date.parse(data.happened_at)));
    }),
    { numRuns: 400 },
  );
});

function clock(at: number): string {
  return inBerlin(at).toPlainDateTime().toString({ smallestUnit: "second" });
}

test("a trial that costs something is a payment until the day it ends", () => {
  const costly = anyPayment(["order.trial_started"]).filter(({ data }) => !!data.amount && data.plan.kind !== "once");
  fc.assert(
    fc.property(costly, ({ event, data }) => {
      const to = dayOf(berlinDay(data.ends_at));
      expect(digistore24.parse(sent(event))).toMatchObject({ reading: { facts: [{ kind: "payment", next: to }] } });
    }),
  );
});

test("two events of an order are two facts, and an event sent again is the same one", () => {
  fc.assert(
    fc.property(anySent, anySent, (one, other) => {
      const identities = [one, one, other].map(({ event, data }) => {
        const order = { order_id: "A1", product: { id: "p" }, plan: { kind: "subscription" } };
        const parsed = digistore24.parse(sent({ ...event, data: JSON.stringify({ ...data, ...order }) }));
        return parsed.ok ? parsed.reading.facts.map(({ identity }) => identity).join() : parsed.code;
      });
      expect(identities[1]).toBe(identities[0]);
      const moves = [one, other].every(({ data }) => data.transaction_id);
      fc.pre(moves && one.data.transaction_id !== other.data.transaction_id);
      expect(identities[2]).not.toBe(identities[0]);
    }),
  );
});

test("a message of which one byte was changed either says the same or is refused", async () => {
  // Signed over names in upper case, a message says nothing of how its names are spelt.
  const valid = vectors.filter((known) => known.valid && known.name !== "upper-case-key-convention");
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...valid), fc.nat(), fc.integer({ min: 1, max: 255 }), async (known, n, flip) => {
      const body = bytes(known.body);
      body[n % body.length] = (body[n % body.length] ?? 0) ^ flip;
      if (!(await verifyForm(body, [known.secret])).ok) return;
      // The case of an escape's or the signature's hex digits; the name of an empty field.
      expect(digistore24.parse(body)).toEqual(digistore24.parse(bytes(known.body)));
    }),
    { numRuns: 1_000 },
  );
});

/** Reads and redacts, and proves that the answer is one of the two there are and the redacted one's facts are the same. */
function survives(body: Uint8Array): void {
  const parsed = digistore24.parse(body);
  const redacted = digistore24.parse(digistore24.redact(body));
  if (!parsed.ok) {
    expect(parsed).toMatchObject({ code: expect.stringMatching(/^unreadable_/), sentence: expect.any(String) });
    expect(redacted).toEqual(parsed);
    return;
  }
  const { buyer, ...said } = parsed.reading;
  expect(redacted).toEqual({ ok: true, reading: { ...said, ...(buyer && { buyer: { email: "" } }) } });
  const printed = JSON.stringify(parsed, (_, value) => (typeof value === "bigint" ? String(value) : value));
  // What is read fits into PostgreSQL: its text holds neither NUL nor half a surrogate pair.
  expect(printed).not.toMatch(/\\u0000|\\ud[89a-f]/i);
  for (const { identity } of parsed.reading.facts) expect(bytes(identity).length).toBeLessThan(2_600);
}

test("no bytes make reading or redacting throw", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 4_000 }), survives));
});

test("no vector with changed bytes makes reading or redacting throw", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...vectors),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }),
      ({ body }, edits) => {
        const data = bytes(body);
        for (const [at, byte] of edits) data[at % data.length] = byte;
        survives(data);
      },
    ),
    { numRuns: 500 },
  );
});

const events = [
  "on_payment",
  "on_payment_subscription_signup",
  "on_refund",
  "on_chargeback",
  "on_payment_missed",
  "payment_denial",
  "on_rebill_cancelled",
  "on_rebill_resumed",
  "last_paid_day",
  "connection_test",
];
const amount = fc.constantFrom("29.00", "-29.00", "0", "0.00", "29", "29,00", "9".repeat(15), "1e9", "");
const odd = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom("\0", "Ω:%".repeat(85), "9".repeat(400)),
);
const id = fc.oneof(fc.constantFrom("A1", "7", "好".repeat(255)), odd);
const date = fc.oneof(fc.constantFrom("2026-03-01", "2026-03-29", "0001-01-01", "9999-12-31", "2026-02-30", ""), odd);
const time = fc.oneof(fc.constantFrom("02:30:00", "23:59:59", "25:00", ""), odd);
const fields = fc.record(
  {
    event: fc.constantFrom(...events),
    api_mode: fc.constantFrom("live", "test", ""),
    order_id: id,
    order_item_id: id,
    product_id: id,
    product_id_2: id,
    product_txn_amount: amount,
    product_txn_amount_2: amount,
    transaction_id: id,
    parent_transaction_id: id,
    transaction_type: fc.oneof(fc.constantFrom("payment", "refund", "rebill_cancelled", "last_paid_day", ""), odd),
    transaction_amount: amount,
    transaction_currency: fc.constantFrom("EUR", "JPY", "XXX", ""),
    transaction_date: date,
    transaction_time: time,
    rebill_stop_noted_at: fc.tuple(date, time).map((parts) => parts.join(" ")),
    is_cancelled_for: date,
    next_payment_at: date,
    billing_type: fc.oneof(fc.constantFrom("single_payment", "installment", "subscription", ""), odd),
    billing_status: fc.constantFrom("paying", "completed", "aborted", ""),
    billing_stop_reason: fc.constantFrom("by_buyer", "upgraded", "unknown", ""),
    pay_sequence_no: fc.oneof(fc.constantFrom("0", "1", "2", "999999999", "-1"), odd),
    number_of_installments: fc.constantFrom("0", "3", "999999999", ""),
    first_amount: amount,
    other_amounts: amount,
    other_billing_intervals: fc.oneof(fc.constantFrom("1_month", "14_day", "9999_year"), odd),
    quantity: fc.oneof(fc.constantFrom("0", "3"), odd),
    email: fc.oneof(fc.constantFrom("kim@example.com", " "), odd),
    product_name: odd,
    custom: odd,
  },
  { requiredKeys: ["event"] },
);

test("no value of any field makes reading or redacting throw, and redacting changes no fact", () => {
  fc.assert(
    fc.property(fields, (values) => survives(call(values))),
    { numRuns: 2_000 },
  );
});

test("names that mean something to JavaScript are fields like any other", () => {
  survives(bytes("__proto__=1&constructor=2&event=on_payment&toString=3&order_id=hasOwnProperty"));
});

test("a field given twice has its last value, for the signature and for the facts", () => {
  const twice = bytes("order_id=A1&event=on_refund&order_id=B2&event=connection_test");
  expect(readForm(twice).get("order_id")).toBe("B2");
  expect(digistore24.parse(twice)).toMatchObject({ reading: { event: "connection_test", orderId: "B2" } });
});

test("the protocol goes by the name digistore24, and what it answers is shown to the buyer", () => {
  expect(digistore24).toMatchObject({ name: "digistore24", showsAccess: true });
});
