import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatMajor, parseCurrency } from "../domain/money.ts";
import { copecart } from "./copecart.ts";
import { type CopecartMessage, fields } from "./fields.ts";
import { bytes, changed, vectors } from "./fixtures/vectors.ts";
import { render } from "./render.ts";
import { sign } from "./sign.ts";
import { verifySignature } from "./verify.ts";

const euro = parseCurrency("EUR");
if (!euro) throw new Error("EUR is a currency");
const storable = (text: string) => !/[\0\p{Cs}]/u.test(text);
const id = fc.string({ unit: "binary", minLength: 1, maxLength: 60 }).filter(storable);
const person = fc.string({ unit: "grapheme", maxLength: 40 });
const minor = fc.bigInt({ min: 1n, max: 10n ** 13n });
const options = fc.record({ money: fc.constantFrom("text", "number"), missing: fc.constantFrom("null", "omit") });

const sold = fc.record({
  order: id,
  product: id,
  transaction: id,
  minor,
  rate: fc.integer({ min: 1, max: 999 }),
  quantity: fc.nat(10_000),
  firstName: person,
  processedAt: fc.date({ min: new Date("2015-01-01"), max: new Date("2100-01-01"), noInvalidDate: true }),
});

test("any payment that is written, signed and sent is verified and read as it was meant", async () => {
  await fc.assert(
    fc.asyncProperty(sold, options, fc.string({ minLength: 1 }), async (sale, form, secret) => {
      const amount = formatMajor({ minor: sale.minor, currency: euro });
      const message: CopecartMessage = {
        event_type: "payment.made",
        order_id: sale.order,
        product_id: sale.product,
        transaction_id: sale.transaction,
        buyer_email: "kim@example.com",
        buyer_firstname: sale.firstName,
        payment_plan: "abonnement",
        frequency: "monthly",
        payment_status: "paid",
        rate_number: sale.rate,
        quantity: sale.quantity,
        transaction_amount: amount,
        transaction_currency: "EUR",
        transaction_processed_at: sale.processedAt.toISOString(),
        transaction_amount_per_product: [{ amount, slug: sale.product, is_addon: false, name: "A & <B>" }],
      };
      const body = render(message, form);
      expect(await verifySignature(await sign(body, secret), body, [secret])).toEqual({ ok: true });
      const firstName = sale.firstName.replaceAll("\0", "\uFFFD").trim();
      const read = copecart.parse(body);
      expect(read).toMatchObject({
        ok: true,
        reading: {
          event: "payment.made",
          mode: "live",
          orderId: sale.order,
          buyer: { email: "kim@example.com", ...(firstName && { firstName }) },
          facts: [
            {
              kind: "payment",
              transactionId: sale.transaction,
              productId: sale.product,
              amount: { minor: sale.minor, currency: "EUR" },
              rate: sale.rate,
              quantity: sale.quantity,
              happenedAt: sale.processedAt.getTime(),
              plan: { kind: "subscription", interval: { unit: "month", count: 1 } },
            },
          ],
        },
      });
    }),
  );
});

test("any cancellation that is written is read as it was meant", () => {
  const day = fc
    .date({ min: new Date("2015-01-01"), max: new Date("2100-01-01"), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10));
  fc.assert(
    fc.property(id, id, day, fc.boolean(), options, (order_id, product_id, is_cancelled_for, byVendor, form) => {
      const event_type = "payment.recurring.cancelled";
      const reason = byVendor ? { cancelation_reason: "vendor_cancelation" } : {};
      const body = render(
        { event_type, order_id, product_id, is_cancelled_for, buyer_email: "kim@example.com", ...reason },
        form,
      );
      expect(copecart.parse(body)).toMatchObject({
        reading: {
          orderId: order_id,
          facts: [
            { kind: "cancelled", productId: product_id, for: { day: is_cancelled_for }, chosenByVendor: byVendor },
          ],
        },
      });
    }),
  );
});

/** Reads and redacts, and proves that the answer is one of the two there are. */
function survives(body: Uint8Array): void {
  const parsed = copecart.parse(body);
  if (!parsed.ok)
    expect(parsed).toMatchObject({ code: expect.stringMatching(/^unreadable_/), sentence: expect.any(String) });
  // What is read fits into PostgreSQL: its text holds neither NUL nor half a surrogate pair.
  else
    expect(JSON.stringify(parsed, (_, value) => (typeof value === "bigint" ? String(value) : value))).not.toMatch(
      /\\u0000|\\ud[89a-f]/i,
    );
  expect(JSON.parse(new TextDecoder().decode(copecart.redact(body)))).toMatchObject({ redacted: true });
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
    { numRuns: 1_000 },
  );
});

test("no value of any field makes reading or redacting throw", () => {
  const names = fc.constantFrom(...fields.map(({ name }) => name));
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.constantFrom("\uD800", "\0", "-0", "1e400", "9".repeat(400), Number.MAX_VALUE, 2 ** 53, "A".repeat(100_000)),
    fc.array(
      fc.record({
        slug: fc.jsonValue(),
        amount: fc.oneof(fc.double(), fc.string()),
        name: fc.string({ unit: "binary" }),
      }),
    ),
  );
  fc.assert(
    fc.property(fc.constantFrom(...vectors), fc.dictionary(names, odd, { maxKeys: 4 }), ({ name }, changes) => {
      survives(changed(name, changes));
    }),
    { numRuns: 1_000 },
  );
});

test.each([
  ["deep arrays", `${"[".repeat(300_000)}${"]".repeat(300_000)}`],
  ["deep objects", `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`],
  ["unclosed arrays", "[".repeat(1_000_000)],
  ["a number without end", `{"order_id":1${"0".repeat(100_000)}}`],
  ["infinity", '{"transaction_amount":1e999,"order_id":-1e999}'],
  ["half a surrogate pair as a name", '{"\\ud800":"\\udc00"}'],
  [
    "names that mean something to JavaScript",
    '{"__proto__":{"event_type":"payment.made"},"constructor":1,"toString":null}',
  ],
])("%s make neither reading nor redacting throw", (_, body) => {
  survives(bytes(body));
});

test("deep nesting inside a field of a message neither throws nor hides the payment", () => {
  for (const { body } of vectors) {
    const deep = `${body.slice(0, -1)},"unknown":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    survives(bytes(deep));
    expect(copecart.parse(bytes(deep))).toEqual(copecart.parse(bytes(body)));
  }
});

test("no identity is longer than a unique index takes", () => {
  const ids = { order_id: "Ω".repeat(255), product_id: "€".repeat(255), transaction_id: "好".repeat(255) };
  const parsed = copecart.parse(changed("instalment-charged-back", { ...ids, transaction_amount_per_product: null }));
  if (!parsed.ok) throw new Error(parsed.sentence);
  for (const { identity } of parsed.reading.facts) expect(bytes(identity).length).toBeLessThan(2_500);
});

test("the protocol goes by the name copecart", () => {
  expect(copecart.name).toBe("copecart");
});
