import * as fc from "fast-check";
import { expect, test } from "vitest";
import { adjustment, customer, message, once, price, subscription, transaction } from "./fixtures/messages.ts";
import { bytes, vectors } from "./fixtures/vectors.ts";
import { paddle } from "./paddle.ts";

const text = (data: Uint8Array) => new TextDecoder().decode(data);
const trialing = { status: "trialing" };
const bodies = [
  ...vectors.map(({ body }) => bytes(body)),
  message("transaction.completed", transaction([{ price: price("club"), total: "1900", quantity: 2 }])),
  message(
    "transaction.paid",
    transaction([
      { price: price("a", once), total: "5" },
      { price: price("b"), total: "6" },
    ]),
  ),
  message(
    "transaction.payment_failed",
    transaction([], { origin: "subscription_recurring", subscription_id: "sub_1" }),
  ),
  message("subscription.created", subscription(trialing)),
  message(
    "subscription.updated",
    subscription({ scheduled_change: { action: "cancel", effective_at: "2026-04-02T09:15:10Z" } }),
  ),
  message("subscription.canceled", subscription({ canceled_at: "2026-04-02T09:15:10Z" })),
  message("adjustment.updated", adjustment()),
  message(
    "adjustment.updated",
    adjustment({ type: "partial", items: [{ item_id: "txnitm_0", totals: { total: "1900" } }] }),
  ),
];

test("the protocol goes by the name paddle and may be given an API key, kept secret", () => {
  expect(paddle.name).toBe("paddle");
  expect(paddle.options).toMatchObject([{ name: "api_key", required: false, secret: true }]);
});

test.each([
  ["stored", 200],
  ["refused", 401],
  ["unavailable", 503],
] as const)("what was %s is answered with %i", (outcome, status) => {
  expect(paddle.answer(outcome).status).toBe(status);
});

test("any sale is read as it was meant", () => {
  const id = fc.stringMatching(/^[a-z0-9]{1,26}$/);
  const line = fc.record({
    product: id,
    total: fc.bigInt({ min: 0n, max: 10n ** 12n }),
    quantity: fc.integer({ min: 1, max: 999 }),
  });
  const lines = fc.uniqueArray(line, { minLength: 1, maxLength: 5, selector: (one) => one.product });
  fc.assert(
    fc.property(lines, id, fc.constantFrom("transaction.paid", "transaction.completed"), (bought, own, event) => {
      const data = transaction(
        bought.map(({ product, total, quantity }) => ({ price: price(product), total: String(total), quantity })),
        { id: `txn_${own}` },
      );
      const parsed = paddle.parse(message(event, data));
      if (!parsed.ok) throw new Error(parsed.sentence);
      const { facts, orderId } = parsed.reading;
      expect(orderId).toBe(`txn_${own}`);
      const total = bought.reduce((sum, one) => sum + one.total, 0n);
      expect(facts.map((fact) => (fact.kind === "payment" ? fact.amount.minor : 0n)).reduce((a, b) => a + b, 0n)).toBe(
        total,
      );
      expect(facts.map(({ productId, quantity }) => ({ productId, quantity }))).toEqual(
        bought.map(({ product, quantity }) => ({ productId: `pro_${product}`, quantity })),
      );
      if (total > 0n)
        expect(facts.map((fact) => (fact.kind === "payment" ? fact.amount.minor : 0n))).toEqual(
          bought.map((one) => one.total),
        );
      expect(new Set(facts.map((fact) => fact.identity)).size).toBe(facts.length);
    }),
  );
});

test("every message says the same without the person", () => {
  for (const body of bodies) {
    const [before, after] = [paddle.parse(body), paddle.parse(paddle.redact(body))];
    if (!before.ok || !after.ok) throw new Error("one of the messages cannot be read");
    const { buyer: _, ...rest } = before.reading;
    const adjusts = rest.event.startsWith("adjustment.");
    expect(after.reading).toEqual({ ...rest, ...(!adjusts && { buyer: { email: "" } }) });
    expect(paddle.redact(paddle.redact(body))).toEqual(paddle.redact(body));
  }
});

test("what Paddle replied does not bring a person back who was taken out", () => {
  for (const body of bodies) {
    const parsed = paddle.parse(paddle.redact(body), { replies: [customer()] });
    if (!parsed.ok) throw new Error(parsed.sentence);
    expect(JSON.stringify(parsed.reading.buyer ?? null)).not.toMatch(/kim/i);
  }
});

test("nothing of the buyer is left, wherever it stood", () => {
  const person = {
    custom_data: { email: "kim@example.com", name: "Kim", reference: "kim-7" },
    customer: { name: "Kim", email: "kim@example.com" },
    payments: [
      { captured_at: "2026-03-02T09:15:10Z", method_details: { card: { cardholder_name: "Kim", last4: "0003" } } },
    ],
    billing_details: { purchase_order_number: "Kim" },
    checkout: { url: "https://shop.example.com/?kim" },
  };
  const left = text(
    paddle.redact(message("transaction.completed", transaction([{ price: price("club"), total: "1900" }], person))),
  );
  expect(left).not.toMatch(/kim@|"Kim|kim-7|0003|\?kim/);
  expect(JSON.parse(left)).toMatchObject({
    redacted: true,
    data: { id: "txn_01first", customer_id: "ctm_01kim", details: { totals: { total: "1900" } } },
  });
  const told = message("customer.updated", { id: "ctm_01kim", name: "Kim", email: "kim@example.com", locale: "de" });
  expect(JSON.parse(text(paddle.redact(told)))).toMatchObject({ data: { id: "ctm_01kim", name: null, email: null } });
  const reason = text(paddle.redact(message("adjustment.created", adjustment())));
  expect(reason).not.toContain("kim@");
});

/** Reads and redacts, and proves that the answer is one of the two there are. */
function survives(body: Uint8Array, known?: Parameters<typeof paddle.parse>[1]): void {
  const parsed = paddle.parse(body, known);
  if (!parsed.ok)
    expect(parsed).toMatchObject({ code: expect.stringMatching(/^unreadable_/), sentence: expect.any(String) });
  else
    expect(JSON.stringify(parsed, (_, value) => (typeof value === "bigint" ? String(value) : value))).not.toMatch(
      /\\u0000|\\ud[89a-f]/i,
    );
  expect(JSON.parse(text(paddle.redact(body)))).toMatchObject({ redacted: true });
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

const names = Object.keys({ ...transaction([]), ...subscription(), ...adjustment() });
const odd = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("\uD800", "\0", "-0", "9".repeat(400), "9".repeat(15), Number.MAX_VALUE, 2 ** 53, "A".repeat(10_000)),
  fc.array(
    fc.dictionary(fc.constantFrom("price", "id", "item_id", "totals", "quantity", "captured_at"), fc.jsonValue()),
  ),
  fc.dictionary(
    fc.constantFrom("totals", "line_items", "interval", "ends_at", "starts_at", "total", "email"),
    fc.jsonValue(),
  ),
);

test("no value of any field makes reading or redacting throw, whatever was replied", () => {
  const events = fc.constantFrom(
    "transaction.paid",
    "transaction.payment_failed",
    "subscription.created",
    "subscription.updated",
    "subscription.canceled",
    "subscription.resumed",
    "adjustment.updated",
  );
  const changes = fc.dictionary(fc.constantFrom(...names), odd, { maxKeys: 4 });
  const base = { ...transaction([{ price: price("club"), total: "1900" }]), ...subscription(), ...adjustment() };
  fc.assert(
    fc.property(events, changes, fc.jsonValue(), (event, change, reply) => {
      const body = message(event, { ...base, ...change });
      survives(body);
      survives(body, { replies: [{ status: 200, body: bytes(JSON.stringify({ data: reply })) }] });
    }),
    { numRuns: 400 },
  );
});

test.each([
  [
    "deep arrays",
    `{"event_type":"transaction.paid","data":{"id":"txn_1","items":${"[".repeat(50_000)}${"]".repeat(50_000)}}}`,
  ],
  ["deep objects", `${'{"data":'.repeat(50_000)}1${"}".repeat(50_000)}`],
  [
    "names that mean something to JavaScript",
    '{"__proto__":{"event_type":"transaction.paid"},"constructor":1,"toString":null}',
  ],
])("%s make neither reading nor redacting throw", (_, body) => {
  survives(bytes(body));
});
