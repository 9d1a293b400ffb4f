import * as fc from "fast-check";
import { expect, test } from "vitest";
import { invoice, message, order, reply, subscription, subscriptionAttributes } from "./fixtures/messages.ts";
import { bytes, vectors } from "./fixtures/vectors.ts";
import { lemonsqueezy } from "./lemonsqueezy.ts";

const text = (data: Uint8Array) => new TextDecoder().decode(data);
const bodies = [
  ...vectors.map(({ body }) => bytes(body)),
  order("order_created"),
  order("order_refunded", { status: "partial_refund", refunded_amount: 500 }),
  subscription("subscription_created", { status: "on_trial", trial_ends_at: "2026-03-16T09:15:30Z" }),
  subscription("subscription_cancelled", { ends_at: "2026-04-02T09:15:30Z" }),
  subscription("subscription_paused", { pause: { mode: "void", resumes_at: null } }),
  subscription("subscription_resumed"),
  invoice("subscription_payment_success"),
  invoice("subscription_payment_refunded", { status: "refunded" }),
];

test("the protocol goes by the name lemonsqueezy and may be given an API key, kept secret", () => {
  expect(lemonsqueezy.name).toBe("lemonsqueezy");
  expect(lemonsqueezy.options).toMatchObject([{ name: "api_key", required: false, secret: true }]);
});

test("what was stored is answered with exactly 200, and nothing else is", () => {
  expect(lemonsqueezy.answer("stored").status).toBe(200);
  expect(lemonsqueezy.answer("refused").status).toBe(401);
  expect(lemonsqueezy.answer("unavailable").status).toBe(503);
});

test("any order is read as it was meant", () => {
  const minor = fc.integer({ min: 1, max: 10 ** 12 });
  const number = fc.integer({ min: 1, max: 10 ** 9 });
  fc.assert(
    fc.property(
      minor,
      number,
      number,
      fc.date({ noInvalidDate: true, min: new Date("2015-01-01"), max: new Date("2100-01-01") }),
      (total, variant, id, date) => {
        const attributes = {
          total,
          currency: "USD",
          status: "paid",
          user_email: "kim@example.com",
          created_at: date.toISOString(),
          first_order_item: { variant_id: variant, quantity: 1 },
        };
        expect(lemonsqueezy.parse(message("order_created", "orders", String(id), attributes))).toMatchObject({
          ok: true,
          reading: {
            orderId: String(id),
            facts: [
              {
                kind: "payment",
                amount: { minor: BigInt(total), currency: "USD" },
                productId: String(variant),
                happenedAt: date.getTime(),
              },
            ],
          },
        });
      },
    ),
  );
});

test("every message says the same without the person", () => {
  for (const body of bodies) {
    const [before, after] = [lemonsqueezy.parse(body), lemonsqueezy.parse(lemonsqueezy.redact(body))];
    if (!before.ok || !after.ok) throw new Error("one of the messages cannot be read");
    expect(after.reading).toEqual({ ...before.reading, buyer: { email: "" } });
    expect(lemonsqueezy.redact(lemonsqueezy.redact(body))).toEqual(lemonsqueezy.redact(body));
  }
});

test("of what tells whose subscription it is the plan stays, and the address goes", () => {
  const body = subscription("subscription_created");
  const [before, after] = [lemonsqueezy.parse(body), lemonsqueezy.parse(lemonsqueezy.redact(body))];
  if (!before.ok || !after.ok) throw new Error("one of the messages cannot be read");
  expect(after.reading.facts).toEqual(before.reading.facts.map((fact) => ({ ...fact, email: "" })));
});

test("nothing of the buyer is left, wherever it stood", () => {
  for (const body of [
    ...bodies,
    subscription("subscription_created"),
    order("order_created", { urls: { receipt: "kim" } }),
  ]) {
    expect(text(lemonsqueezy.redact(body))).not.toMatch(/kim|boer|müller|kaeufer|4242|konto/i);
  }
  expect(JSON.parse(text(lemonsqueezy.redact(order("order_created"))))).toMatchObject({
    redacted: true,
    meta: { event_name: "order_created", custom_data: null },
    data: { id: "1234", attributes: { total: 2900, user_email: null, first_order_item: { product_name: "Club" } } },
  });
});

/** Reads and redacts, and proves that the answer is one of the two there are. */
function survives(body: Uint8Array, known?: Parameters<typeof lemonsqueezy.parse>[1]): void {
  const parsed = lemonsqueezy.parse(body, known);
  if (!parsed.ok)
    expect(parsed).toMatchObject({ code: expect.stringMatching(/^unreadable_/), sentence: expect.any(String) });
  else
    expect(JSON.stringify(parsed, (_, value) => (typeof value === "bigint" ? String(value) : value))).not.toMatch(
      /\\u0000|\\ud[89a-f]/i,
    );
  expect(JSON.parse(text(lemonsqueezy.redact(body)))).toMatchObject({ redacted: true });
}

test("no bytes make reading or redacting throw", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 4_000 }), (data) => survives(data)));
});

test("no message with changed bytes makes reading or redacting throw", () => {
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 });
  fc.assert(
    fc.property(fc.constantFrom(...bodies), edits, (body, changes) => {
      const data = body.slice();
      for (const [at, byte] of changes) data[at % data.length] = byte;
      survives(data);
    }),
    { numRuns: 500 },
  );
});

test("no value of any attribute makes reading or redacting throw, whatever was replied", () => {
  const events = fc.constantFrom(
    "orders order_created",
    "orders order_refunded",
    "subscriptions subscription_created",
    "subscriptions subscription_cancelled",
    "subscriptions subscription_resumed",
    "subscriptions subscription_paused",
    "subscription-invoices subscription_payment_success",
    "subscription-invoices subscription_payment_refunded",
  );
  const base = {
    ...JSON.parse(text(order("order_created"))).data.attributes,
    ...subscriptionAttributes(),
    subscription_id: 55,
  };
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: "binary" }),
    fc.constantFrom("\uD800", "\0", "-0", "9".repeat(400), Number.MAX_VALUE, 2 ** 53, "2026-02-30T00:00:00Z"),
  );
  const changes = fc.dictionary(fc.constantFrom(...Object.keys(base)), odd, { maxKeys: 4 });
  fc.assert(
    fc.property(events, changes, odd, (one, change, value) => {
      const [type = "", event = ""] = one.split(" ");
      const body = message(event, type, "55", { ...base, ...change });
      survives(body);
      survives(body, {
        replies: [reply("subscriptions", "55", { ...base, ...change }), reply("prices", "602", { category: value })],
      });
    }),
    { numRuns: 400 },
  );
});

test.each([
  ["deep arrays as a type", `{"meta":{"event_name":"x"},"data":{"type":${"[".repeat(50_000)}${"]".repeat(50_000)}}}`],
  ["deep objects", `${'{"data":'.repeat(50_000)}1${"}".repeat(50_000)}`],
  ["names that mean something to JavaScript", '{"__proto__":{"meta":1},"constructor":1,"toString":null}'],
])("%s make neither reading nor redacting throw", (_, body) => {
  survives(bytes(body));
});
