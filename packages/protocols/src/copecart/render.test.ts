import { expect, test } from "vitest";
import { type CopecartMessage, carries, fields, isRegular } from "./fields.ts";
import { bytes, vector, vectors } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";
import { render } from "./render.ts";

const text = (data: Uint8Array) => new TextDecoder().decode(data);
const written = vectors.filter(({ name }) => name !== "numbers-instead-of-text");
const message = (body: string): CopecartMessage => JSON.parse(body);

test("twenty vectors are in the order of the wire", () => {
  expect(written).toHaveLength(20);
});

test.each(written)("the field values of $name are written as its very bytes", ({ body }) => {
  expect(text(render(message(body), { money: "text", missing: "null" }))).toBe(body);
});

test("numbers-instead-of-text, written with numbers, has the same values and says the same", () => {
  const { body } = vector("numbers-instead-of-text");
  const values: Record<string, unknown> = JSON.parse(body);
  const texts = JSON.parse(body, (_, value) => (typeof value === "number" ? String(value) : value));
  const counts = { quantity: values["quantity"], rate_number: values["rate_number"], total_number_of_payments: 1 };
  const data = render({ ...texts, ...counts }, { money: "number", missing: "omit" });
  const given = Object.entries(values).filter(([, value]) => value !== null);
  expect(JSON.parse(text(data))).toEqual(
    Object.fromEntries(
      given.map(([name, value]) => [name, name === "transaction_amount_per_product" ? expect.anything() : value]),
    ),
  );
  expect(text(data)).toContain('"shipping_price":10,');
  expect(text(data)).toContain('"amount":47.6,');
  expect(parse(data)).toEqual(parse(bytes(body)));
});

const least: CopecartMessage = {
  event_type: "payment.recurring.cancelled",
  order_id: "A1",
  product_id: "P1",
  buyer_email: "kim@example.com",
};

test("a field without a value is null or missing, as asked", () => {
  const nulls: Record<string, unknown> = JSON.parse(text(render(least, { money: "text", missing: "null" })));
  expect(Object.keys(nulls)).toEqual(
    fields.filter((field) => carries(least.event_type, field)).map(({ name }) => name),
  );
  expect(nulls["metadata"]).toBeNull();
  expect(
    Object.keys(JSON.parse(text(render({ ...least, metadata: null }, { money: "text", missing: "omit" })))),
  ).toEqual(["buyer_email", "order_id", "product_id", "event_type"]);
});

test.each([
  ["119.0", '"119.0"', "119"],
  ["23.8", '"23.8"', "23.8"],
  ["0.0", '"0.0"', "0"],
  ["0.05", '"0.05"', "0.05"],
  ["-59.50", '"-59.50"', "-59.5"],
  ["007", '"007"', "7"],
  ["100", '"100"', "100"],
  ["123456789012345.67", '"123456789012345.67"', "123456789012345.67"],
])("the amount %s is %s as text and %s as a number", (amount, asText, asNumber) => {
  const sale = { ...least, earned_amount: amount };
  expect(text(render(sale, { money: "text", missing: "omit" }))).toContain(`"earned_amount":${asText},`);
  expect(text(render(sale, { money: "number", missing: "omit" }))).toContain(`"earned_amount":${asNumber},`);
});

test("an amount that is no decimal is not sent", () => {
  expect(() => render({ ...least, earned_amount: "29,90" }, { money: "text", missing: "omit" })).toThrow(
    "amount_malformed",
  );
});

test("&, < and > are escaped in texts, and come back as they were", () => {
  const body = text(render({ ...least, product_name: "<R&D>" }, { money: "text", missing: "omit" }));
  expect(body).toContain('"product_name":"\\u003cR\\u0026D\\u003e"');
  expect(JSON.parse(body)).toMatchObject({ product_name: "<R&D>" });
});

test("every vector carries exactly the fields the table names for its event", () => {
  for (const { body } of written) {
    const values: Record<string, unknown> = JSON.parse(body);
    const event = String(values["event_type"]);
    expect(Object.keys(values)).toEqual(fields.filter((field) => carries(event, field)).map(({ name }) => name));
    expect("transaction_id" in values).toBe(isRegular(event));
  }
});
