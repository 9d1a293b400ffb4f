import { expect, test } from "vitest";
import { createdAt, eur, event, facts, invoice, line, reading, reply, session } from "./fixtures/events.ts";
import { bytes, vector } from "./fixtures/vectors.ts";

const completed = "checkout.session.completed";

const lineItem = (product: unknown, amount_total: number, quantity = 1) => ({
  object: "item",
  amount_total,
  currency: "eur",
  description: "Kurs",
  price: { id: "price_1", product },
  quantity,
});
const items = (...data: unknown[]) => [reply(200, { object: "list", data })];

test("a paid checkout is a payment of its payment intent", () => {
  expect(reading(event(completed, session()))).toEqual({
    event: completed,
    mode: "live",
    orderId: "pi_1",
    aliases: ["cs_live_1"],
    buyer: {
      email: "jo@example.com",
      firstName: "Jo",
      lastName: "Sommer",
      country: "DE",
      language: "de",
      reference: "u-42",
    },
    facts: [
      {
        kind: "payment",
        transactionId: "pi_1",
        amount: eur(11900n),
        identity: "payment:pi_1:kurs",
        productId: "kurs",
        happenedAt: createdAt,
        plan: { kind: "once" },
      },
    ],
  });
});

test("the published checkout is read, with umlauts and as a test", () => {
  const { mode, buyer, facts } = reading(bytes(vector("checkout-completed-utf8").body));
  expect(mode).toBe("test");
  expect(buyer).toEqual({ email: "käufer@example.com", firstName: "Jörg", lastName: "Müller", reference: "u-42" });
  expect(facts).toMatchObject([{ kind: "payment", productId: "checkout", amount: eur(11900n) }]);
});

test.each([
  [{ product_id: "a", product: "b" }, "plink_1", "a"],
  [{ product: "b" }, "plink_1", "b"],
  [{ product_id: "" }, "plink_1", "plink_1"],
  [{}, { id: "plink_1" }, "plink_1"],
  [null, null, "checkout"],
])("without line items, metadata %j and payment link %j name the product %s", (metadata, payment_link, productId) => {
  expect(facts(completed, session({ metadata, payment_link }))).toMatchObject([{ productId }]);
});

test("line items Stripe told name the products, each once, and share the money", () => {
  const told = items(
    lineItem({ id: "prod_A", name: "Kurs" }, 9000, 2),
    lineItem("prod_B", 2000),
    lineItem({ id: "prod_A", name: "Kurs" }, 900, 1),
  );
  expect(reading(event(completed, session()), told).facts).toMatchObject([
    { productId: "prod_A", productName: "Kurs", quantity: 3, amount: eur(9900n), identity: "payment:pi_1:prod_A" },
    { productId: "prod_B", quantity: 1, amount: eur(2000n), identity: "payment:pi_1:prod_B" },
  ]);
});

test("what the line items do not account for, such as shipping, is shared without losing a cent", () => {
  const told = items(lineItem("prod_A", 100), lineItem("prod_B", 100), lineItem("prod_C", 100));
  const amounts = reading(event(completed, session({ amount_total: 1000 })), told).facts.map(
    (fact) => "amount" in fact && fact.amount?.minor,
  );
  expect(amounts).toEqual([333n, 333n, 334n]);
});

test("line items in the message itself count before anything else", () => {
  const line_items = { object: "list", data: [lineItem("prod_M", 11900)] };
  expect(facts(completed, session({ line_items }))).toMatchObject([{ productId: "prod_M" }]);
});

test.each([403, 404])("an answer %i leaves the product to the metadata", (status) => {
  expect(reading(event(completed, session()), [reply(status, {})]).facts).toMatchObject([{ productId: "kurs" }]);
});

test.each([
  [completed, "paid", "payment"],
  [completed, "no_payment_required", "payment"],
  [completed, "unpaid", "payment_pending"],
  [completed, "something new", "payment_pending"],
  ["checkout.session.async_payment_succeeded", "paid", "payment"],
  ["checkout.session.async_payment_failed", "unpaid", "payment_failed"],
])("%s with payment_status %s is a %s", (type, payment_status, kind) => {
  expect(facts(type, session({ payment_status })).map((fact) => fact.kind)).toEqual([kind]);
});

test("a bank debit that came in is the same payment whichever message tells it", () => {
  const [first] = facts(completed, session());
  const [later] = facts("checkout.session.async_payment_succeeded", session());
  expect(later?.identity).toBe(first?.identity);
});

test("a checkout over nothing is a payment of nothing", () => {
  const free = session({ amount_total: 0, payment_intent: null, payment_status: "no_payment_required" });
  const said = reading(event(completed, free));
  expect(said.orderId).toBe("cs_live_1");
  expect(said.facts).toMatchObject([{ kind: "payment", transactionId: "cs_live_1", amount: eur(0n) }]);
});

test("the checkout of a subscription ties ids together and tells no money", () => {
  const bought = session({ mode: "subscription", subscription: "sub_1", invoice: "in_1", payment_intent: null });
  const said = reading(event(completed, bought));
  expect(said).toMatchObject({ orderId: "sub_1", aliases: ["cs_live_1", "in_1"], facts: [] });
});

test("the first payment of a subscription is counted once, from its invoice", () => {
  const bought = session({ mode: "subscription", subscription: { id: "sub_1" }, invoice: { id: "in_1" } });
  const paid = reading(event("invoice.paid", invoice([line("prod_A", 2900)])));
  const done = reading(event(completed, bought));
  expect(done.orderId).toBe(paid.orderId);
  expect([...done.facts, ...paid.facts].filter((fact) => fact.kind === "payment")).toHaveLength(1);
});

test("a one-time checkout that makes an invoice is the same payment as its invoice", () => {
  const bought = session({ invoice: "in_1", amount_total: 3000 });
  const told = items(lineItem("prod_A", 2000), lineItem("prod_B", 1000));
  const lines = [line("prod_A", 2000, { parent: null }), line("prod_B", 1000, { parent: null })];
  const invoiced = invoice(lines, { parent: null, billing_reason: "manual", amount_paid: 3000 });
  const fromSession = reading(event(completed, bought), told);
  const fromInvoice = reading(event("invoice.paid", invoiced));
  expect(fromSession.orderId).toBe(fromInvoice.orderId);
  const money = ({ facts }: typeof fromSession) =>
    facts.map((fact) => [fact.identity, "amount" in fact && fact.amount]);
  expect(money(fromSession)).toEqual(money(fromInvoice));
});

test("a one-time checkout that makes an invoice leaves the money to it where products are not told", () => {
  const said = reading(event(completed, session({ invoice: "in_1" })));
  expect(said).toMatchObject({ orderId: "in_1", aliases: ["cs_live_1", "pi_1"], facts: [] });
});

test.each([
  ["checkout.session.expired", {}],
  [completed, { mode: "setup" }],
])("%s %j says nothing", (type, changes) => {
  expect(reading(event(type, session(changes)))).toEqual({ event: type, mode: "live", facts: [] });
});

test("the address typed at the checkout counts, the one filled in beforehand only without it", () => {
  const both = session({ customer_email: "old@example.com" });
  expect(reading(event(completed, both)).buyer?.email).toBe("jo@example.com");
  const one = session({ customer_email: "old@example.com", customer_details: null });
  expect(reading(event(completed, one)).buyer).toEqual({ email: "old@example.com", language: "de", reference: "u-42" });
});

test("a language of auto is none, and a business is a company", () => {
  const details = { email: "a@example.com", name: "Ada", business_name: "Ada GmbH", address: { country: "xx1" } };
  const { buyer } = reading(event(completed, session({ locale: "auto", customer_details: details })));
  expect(buyer).toEqual({ email: "a@example.com", firstName: "Ada", company: "Ada GmbH", reference: "u-42" });
});

test.each([{ currency: "zzz" }, { amount_total: "119.00" }, { amount_total: -1 }, { amount_total: 1.5 }, { id: null }])(
  "a sale that cannot be read waits: %j",
  (changes) => {
    expect(() => facts(completed, session(changes))).toThrow();
  },
);
