import * as fc from "fast-check";
import { expect, test } from "vitest";
import { paymentEvents } from "../domain/payment.ts";
import { anyPayment } from "../fixtures/any-payment.ts";
import { bytes, vector } from "./fixtures/vectors.ts";
import { standardWebhooks as format } from "./format.ts";
import { redact } from "./redact.ts";
import { standardWebhooks } from "./standard-webhooks.ts";

const text = (data: Uint8Array) => new TextDecoder().decode(data);

test("the protocol goes by the name standard-webhooks and may be given a mapping", () => {
  expect(standardWebhooks.name).toBe("standard-webhooks");
  expect(standardWebhooks.options).toMatchObject([{ name: "mapping", required: false, secret: false }]);
});

test.each([
  ["stored", 200],
  ["refused", 401],
  ["unavailable", 503],
] as const)("what was %s is answered with %i, never with the 410 that switches the sender off", (outcome, status) => {
  expect(standardWebhooks.answer(outcome).status).toBe(status);
});

test("what is known of the connection is not taken for the tolerance of the clock", async () => {
  const { headers, body, secret, at } = vector("utf8-body");
  const incoming = {
    method: "POST",
    url: "https://shop.example.com/in/token",
    headers: new Headers(headers),
    body: bytes(body),
  };
  const known = { options: {}, mode: "test" as const };
  expect(await standardWebhooks.verify(incoming, [secret], at * 1000, known)).toEqual({ ok: true });
  const late = await standardWebhooks.verify(incoming, [secret], (at + 1000) * 1000, known);
  expect(late).toMatchObject({ code: "timestamp_too_old" });
});

test("any of our events that is signed and sent is verified and read, and any changed byte is refused", async () => {
  const secret = format.newSecret(new Uint8Array(32).fill(9));
  await fc.assert(
    fc.asyncProperty(anyPayment(paymentEvents), fc.nat(), async ({ event }, n) => {
      const { headers, body } = await format.sign(format.render(event, {}) ?? new Uint8Array(), {
        id: event.id,
        at: event.at,
        secrets: [secret],
        number: 1,
      });
      const incoming = {
        method: "POST",
        url: "https://shop.example.com/in/token",
        headers: new Headers(headers),
        body,
      };
      expect(await standardWebhooks.verify(incoming, [secret], event.at)).toEqual({ ok: true });
      expect(standardWebhooks.parse(body)).toMatchObject(expect.objectContaining({ ok: expect.any(Boolean) }));
      const changed = body.slice();
      changed[n % changed.length] = (changed[n % changed.length] ?? 0) ^ 1;
      const forged = await standardWebhooks.verify({ ...incoming, body: changed }, [secret], event.at);
      expect(forged).toMatchObject({ code: "signature_mismatch" });
    }),
  );
});

test("every event of ours says the same without the person", () => {
  fc.assert(
    fc.property(anyPayment(paymentEvents), ({ event }) => {
      const body = format.render(event, {}) ?? new Uint8Array();
      const [before, after] = [standardWebhooks.parse(body), standardWebhooks.parse(standardWebhooks.redact(body))];
      if (!before.ok) {
        expect(after).toEqual(before);
        return;
      }
      expect(after).toEqual({ ok: true, reading: { ...before.reading, buyer: { email: "" } } });
      expect(redact(redact(body))).toEqual(redact(body));
    }),
  );
});

const mapping = JSON.stringify({
  event: "kind",
  orderId: "kunde.bestellung",
  events: { bezahlt: "payment" },
  fields: {
    email: "kunde.post",
    lastName: "kunde.nachname",
    product: "posten[].customer",
    amount: "posten[].preis",
    amountIn: "minor",
    currency: "=EUR",
    transactionId: "metadata.zahlung",
  },
});
const known = { options: { mapping } };
const sale = bytes(
  JSON.stringify({
    kind: "bezahlt",
    kunde: { bestellung: 7, post: "kim@example.com", nachname: "de Boer" },
    posten: [{ customer: "kurs", preis: 100, name: "Kim" }],
    metadata: { zahlung: "z1", user: "kim" },
    note: "please call Kim",
    text: "write to kim@example.com",
  }),
);

test("with a mapping the person is taken out where it says, and what facts are read from stays, whatever it is called", () => {
  const before = standardWebhooks.parse(sale, known);
  if (!before.ok) throw new Error(before.sentence);
  const left = redact(sale, known);
  expect(standardWebhooks.parse(left, known)).toEqual({
    ok: true,
    reading: { ...before.reading, buyer: { email: "" } },
  });
  expect(JSON.parse(text(left))).toEqual({
    kind: "bezahlt",
    kunde: { bestellung: 7, post: null, nachname: null },
    posten: [{ customer: "kurs", preis: 100, name: null }],
    metadata: { zahlung: "z1", user: null },
    note: null,
    text: null,
    redacted: true,
  });
});

test("without the mapping what goes by a person's name is taken out all the same", () => {
  const body = bytes(
    JSON.stringify({
      data: {
        Customer: { id: "c_1", Name: "Kim", nested: [{ first: "Kim" }] },
        "shipping-address": { any: "Kim" },
        user_email: "kim",
        IP: "192.0.2.1",
        product: { name: "Kurs" },
        items: [{ name: "Buch" }],
        name: "Kim",
        total: 100,
        created: "2026-03-02",
      },
    }),
  );
  const left = text(redact(body));
  expect(left).not.toMatch(/kim|192/i);
  expect(JSON.parse(left)).toMatchObject({
    data: { product: { name: "Kurs" }, items: [{ name: "Buch" }], total: 100, created: "2026-03-02" },
  });
});

test.each(["", "[1]", '"kim"', "null", "\0"])("a body that is no JSON object keeps nothing: %j", (body) => {
  expect(JSON.parse(text(redact(bytes(body))))).toEqual({ redacted: true });
});

/** Reads and redacts, and proves that the answer is one of the two there are. */
function survives(body: Uint8Array, known?: Parameters<typeof standardWebhooks.parse>[1]): void {
  const parsed = standardWebhooks.parse(body, known);
  if (!parsed.ok)
    expect(parsed).toMatchObject({ code: expect.stringMatching(/^unreadable_/), sentence: expect.any(String) });
  else
    expect(JSON.stringify(parsed, (_, value) => (typeof value === "bigint" ? String(value) : value))).not.toMatch(
      /\\u0000|\\ud[89a-f]/i,
    );
  expect(JSON.parse(text(redact(body, known)))).toMatchObject({ redacted: true });
}

test("no bytes make reading or redacting throw", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 2_000 }), (data) => survives(data, known)));
});

const odd = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: "binary" }),
  fc.double(),
  fc.constantFrom("\uD800", "\0", "-0", "9".repeat(400), Number.MAX_VALUE, 2 ** 53, 1e11, "2026-02-30", "0000-01-01"),
);

test("no value of any field makes reading or redacting throw", () => {
  fc.assert(
    fc.property(
      anyPayment(paymentEvents),
      fc.dictionary(fc.string(), odd),
      odd,
      odd,
      ({ event, data }, more, one, other) => {
        const names = Object.keys(data);
        const change = Object.fromEntries(names.slice(0, 3).map((name) => [name, one]));
        const changed = { ...data, ...more, ...change, plan: other, product: { id: one, name: other } };
        survives(bytes(JSON.stringify({ type: event.type, data: changed })));
        survives(
          bytes(JSON.stringify({ type: event.type, data: { ...data, happened_at: one, ends_at: other, amount: one } })),
        );
        survives(
          bytes(
            JSON.stringify({
              kind: "bezahlt",
              kunde: { bestellung: one },
              posten: [{ customer: other, preis: one }],
              metadata: { zahlung: 1 },
            }),
          ),
          known,
        );
      },
    ),
    { numRuns: 150 },
  );
});

test("no mapping makes reading or redacting throw", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      survives(sale, { options: { mapping: text } });
    }),
  );
});

test.each([
  ["deep arrays", `{"type":"payment.made","data":${"[".repeat(50_000)}${"]".repeat(50_000)}}`],
  ["deep objects", `${'{"data":'.repeat(50_000)}1${"}".repeat(50_000)}`],
  ["names that mean something to JavaScript", '{"__proto__":{"type":"payment.made"},"constructor":1,"toString":null}'],
])("%s make neither reading nor redacting throw", (_, body) => {
  survives(bytes(body), known);
  survives(bytes(body));
});
