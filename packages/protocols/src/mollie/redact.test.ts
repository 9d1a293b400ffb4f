import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
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
  vectors,
} from "./fixtures/vectors.ts";
import { answer } from "./answer.ts";
import { mollie } from "./mollie.ts";
import { parse } from "./parse.ts";
import { redact, redactReply } from "./redact.ts";

const text = (data: Uint8Array) => new TextDecoder().decode(data);
const person = /jörg|müller|kaeufer|weg 1|DE0212|anna|vogel|konto-1/i;
const marked = payment({
  metadata: JSON.stringify({ order_id: "A-1001", product_id: "kurs-1", reference: "konto-1" }),
});
const signedOnes = [
  event("payment.paid", marked),
  event("refund.refunded", refund()),
  event("chargeback.received", chargeback()),
];

test("a classic call holds nobody, and stays as it is", () => {
  expect(text(redact(bytes("id=tr_5TestAbCdE1")))).toBe("id=tr_5TestAbCdE1");
  expect(text(redact(bytes("id=tr_5TestAbCdE1&name=J%C3%B6rg&id=kaeufer%40example.com")))).toBe("id=tr_5TestAbCdE1");
});

test.each(signedOnes)("an event says the same without the person: %#", (body) => {
  const [before, after] = [parse(bytes(body)), parse(redact(bytes(body)))];
  if (!before.ok) throw new Error(before.sentence);
  expect(text(redact(bytes(body)))).not.toMatch(person);
  expect(after).toEqual({
    ok: true,
    reading: { ...before.reading, ...(before.reading.buyer && { buyer: { email: "" } }) },
  });
});

test("what Mollie answered says the same without the person", () => {
  const replies = [
    payment({ ...renewal, id: "tr_5TestAbCdE1", amountRefunded: eur("1.00"), billingAddress: undefined }),
    { _embedded: { refunds: [refund()] } },
    { ...subscription, description: "Töpfern" },
    customer,
  ].map((value) => reply(value));
  const call = bytes("id=tr_5TestAbCdE1");
  const before = parse(call, { replies });
  const redacted = replies.map(({ status, body }) => ({ status, body: redactReply(body) }));
  if (!before.ok) throw new Error(before.sentence);
  expect(before.reading.buyer?.email).toBe(customer.email);
  for (const { body } of redacted) expect(text(body)).not.toMatch(person);
  expect(parse(call, { replies: redacted })).toEqual({
    ok: true,
    reading: { ...before.reading, buyer: { email: "" } },
  });
});

test("redacting twice is redacting once", () => {
  for (const body of [...vectors.map((one) => one.body), ...signedOnes, JSON.stringify(customer)]) {
    const once = redact(bytes(body));
    expect(redact(once)).toEqual(once);
    expect(redactReply(redactReply(bytes(body)))).toEqual(redactReply(bytes(body)));
  }
});

test("deep nesting is cut off, not followed, and no bytes make redacting throw", () => {
  expect(text(redact(bytes(`{"_embedded":${"[".repeat(100_000)}${"]".repeat(100_000)}}`)))).toContain("redacted");
  const any = fc.oneof(
    fc.uint8Array().map((data) => new Uint8Array(data)),
    fc.json().map(bytes),
  );
  fc.assert(
    fc.property(any, (body) => {
      const once = redact(body);
      expect(redact(once)).toEqual(once);
      expect(typeof parse(once).ok).toBe("boolean");
    }),
  );
});

describe("the protocol", () => {
  test("needs an API key, which is kept secret", () => {
    expect(mollie.name).toBe("mollie");
    expect(mollie.options).toMatchObject([{ name: "api_key", required: true, secret: true }]);
  });

  test("only a call that was kept ends Mollie's repeats, and no answer tells a reason", () => {
    expect(answer("stored").status).toBe(200);
    expect(answer("unavailable").status).toBe(503);
    expect(answer("refused").status).toBe(401);
    for (const outcome of ["refused", "unavailable"] as const) {
      expect(answer(outcome).body).not.toMatch(/OK|signature|secret|key|payment/i);
    }
  });
});
