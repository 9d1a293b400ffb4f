import * as fc from "fast-check";
import { expect, test } from "vitest";
import { call } from "./fixtures/call.ts";
import { bytes, vectors } from "./fixtures/vectors.ts";
import { readForm } from "./form.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";

const text = (data: Uint8Array) => new TextDecoder().decode(data);

test.each(vectors)("$name says the same without the person", ({ body }) => {
  const before = parse(bytes(body));
  const after = parse(redact(bytes(body)));
  if (!before.ok) return expect(after).toEqual(before);
  const { buyer, ...rest } = before.reading;
  expect(after).toEqual({ ok: true, reading: { ...rest, ...(buyer && { buyer: { email: "" } }) } });
});

const person = {
  email: "mara.lindner@example.de",
  buyer_email: "mara.lindner@example.de",
  address_email: "mara.lindner@example.de",
  buyer_id: "mara-1",
  buyer_first_name: "Mara",
  address_last_name: "Lindner",
  address_street: "Maraweg 1",
  address_phone_no: "mara",
  billing_company: "Mara GmbH",
  buyer_address_city: "Maradorf",
  custom: "mara-ref",
  custom_key: "1-mara",
  affiliate_name: "mara",
  invoice_url: "https://www.example.com/invoice/mara.pdf",
  rebilling_stop_url: "https://www.example.com/stop/mara",
  license_key: "MARA-1",
  placeholder_MARA: "x",
  product_id_mara: "x",
  MARA: "",
};

test("whatever names the person is taken out, with every field nobody knows, and the signature", () => {
  const body = call({
    event: "on_payment",
    order_id: "T3STAB12",
    product_id: "600100",
    product_id_2: "600200",
    transaction_amount: "29.00",
    ...person,
    sha_sign: "AB".repeat(64),
    SHASIGN: "AB".repeat(64),
  });
  expect(text(redact(body))).toBe(
    "event=on_payment&order_id=T3STAB12&product_id=600100&product_id_2=600200&transaction_amount=29.00&email=&redacted=1",
  );
});

test.each(["", "Mara Lindner", '{"email":"mara@example.de"}', "mara=1&=mara&%00=mara", "\u0000"])(
  "a body that is none of Digistore24's keeps nothing: %j",
  (body) => {
    expect(text(redact(bytes(body)))).toBe("redacted=1");
  },
);

test("no bytes make redacting throw, redacting twice is redacting once, and nothing but known fields stays", () => {
  const names = fc.constantFrom("event", "order_id", "email", "product_id", "transaction_amount", "redacted", "foo");
  const forms = fc
    .array(fc.tuple(names, fc.string({ unit: "binary" })), { maxLength: 8 })
    .map((pairs) => bytes(new URLSearchParams(pairs).toString()));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), forms), (body) => {
      const once = redact(body);
      expect(text(redact(once))).toBe(text(once));
      const left = readForm(once);
      expect(left.get("redacted")).toBe("1");
      expect(left.get("email") ?? "").toBe("");
      expect(left.has("foo")).toBe(false);
    }),
  );
});
