import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fields } from "./fields.ts";
import { bytes, changed, vectors } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";

const text = (data: Uint8Array) => new TextDecoder().decode(data);

test.each(vectors)("$name says the same without the person", ({ body }) => {
  const before = parse(bytes(body));
  const after = parse(redact(bytes(body)));
  if (!before.ok) throw new Error("the vector cannot be read");
  expect(after).toEqual({ ok: true, reading: { ...before.reading, buyer: { email: "" } } });
});

test.each(vectors)("$name keeps nothing of the buyer", ({ body }) => {
  const values: Record<string, unknown> = JSON.parse(body);
  const left: Record<string, unknown> = JSON.parse(text(redact(bytes(body))));
  expect(left).toMatchObject({ redacted: true, order_id: values["order_id"] });
  for (const name of Object.keys(values)) {
    const personal = name.startsWith("buyer_") || name === "metadata" || name === "affiliate";
    expect(left[name]).toEqual(personal ? null : values[name]);
  }
});

test("the table marks every field of the buyer as personal", () => {
  const personal = fields.filter((field) => "personal" in field).map(({ name }) => name);
  const buyers = fields.map(({ name }) => name).filter((name) => name.startsWith("buyer_"));
  expect(personal).toEqual(expect.arrayContaining([...buyers, "metadata", "affiliate"]));
});

test("a field nobody knows and a person hidden in a list are taken out too", () => {
  const hidden = { recipient: "mara.lindner@example.de", nested: { name: "Mara" }, BUYER_NAME: "Mara" };
  const tags = ["kurs", { name: "Mara" }];
  const lines = [{ amount: "119.0", slug: { of: "Mara" }, gift_for: "Mara" }];
  const left = text(
    redact(
      changed("one-time-payment-made", {
        ...hidden,
        tags,
        transaction_amount_per_product: lines,
        order_time: { by: "Mara" },
      }),
    ),
  );
  expect(left).not.toMatch(/mara/i);
  expect(JSON.parse(left)).toMatchObject({
    tags: ["kurs"],
    transaction_amount_per_product: [{ amount: "119.0", slug: null }],
  });
});

test.each(["", "Mara Lindner", '["mara"]', '"mara"', "null", '{"buyer_email":', "\u0000"])(
  "a body that is no JSON object keeps nothing: %j",
  (body) => {
    expect(JSON.parse(text(redact(bytes(body))))).toEqual({ redacted: true });
  },
);

test("redacting twice is redacting once", () => {
  for (const { body } of vectors) {
    const once = redact(bytes(body));
    expect(redact(once)).toEqual(once);
  }
});

test("no bytes make redacting throw", () => {
  const objects = fc.jsonValue().map((value) => bytes(JSON.stringify(value)));
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array().map((data) => new Uint8Array(data)),
        objects,
      ),
      (body) => {
        expect(JSON.parse(text(redact(body)))).toMatchObject({ redacted: true });
      },
    ),
  );
});

test("a name that means something to JavaScript is a field like any other", () => {
  const body = '{"__proto__":{"buyer_email":"mara@example.de"},"constructor":"mara","order_id":"A1"}';
  expect(text(redact(bytes(body)))).toBe('{"__proto__":null,"constructor":null,"order_id":"A1","redacted":true}');
});

test("deep nesting is cut off, not followed", () => {
  const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
  for (const name of ["tags", "transaction_amount_per_product", "order_id", "unknown"]) {
    expect(JSON.parse(text(redact(bytes(`{"${name}":${deep}}`))))).toMatchObject({ redacted: true });
  }
});
