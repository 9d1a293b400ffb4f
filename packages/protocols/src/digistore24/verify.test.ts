import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bytes, vector, vectors } from "./fixtures/vectors.ts";
import { readForm, writeForm } from "./form.ts";
import { shaSign } from "./sha-sign.ts";
import { verify, verifyForm } from "./verify.ts";

const sale = vector("sale-single-umlauts");
const check = (body: string, secrets = [sale.secret]) => verifyForm(bytes(body), secrets);

test("the table of vectors has sixteen rows", () => {
  expect(vectors).toHaveLength(16);
});

test.each(vectors)("$name is valid: $valid", async ({ body, secret, valid }) => {
  const headers = new Headers({ "content-type": "application/x-www-form-urlencoded" });
  const incoming = { method: "POST", url: "https://shop.example.com/in/token", headers, body: bytes(body) };
  expect((await verify(incoming, [secret], 0)).ok).toBe(valid);
});

test.each([
  ["html-entity-in-value-signed-decoded", "signature_mismatch"],
  ["tampered-product-id", "signature_mismatch"],
  ["wrong-passphrase", "signature_mismatch"],
  ["missing-signature", "signature_missing"],
  ["extra-unsigned-field", "signature_mismatch"],
  ["one-hex-digit-flipped", "signature_mismatch"],
  ["truncated-signature", "signature_malformed"],
  ["empty-passphrase-configured", "secret_missing"],
])("%s is refused as %s", async (name, code) => {
  const { body, secret } = vector(name);
  expect(await check(body, [secret])).toMatchObject({ ok: false, code });
});

test("the text PHP's sample puts in place of a signature does not open the door", async () => {
  const body = "event=on_payment&order_id=T3STAB12&sha_sign=no_signature_passphrase_provided";
  for (const secrets of [[""], [], [sale.secret]]) expect(await check(body, secrets)).toMatchObject({ ok: false });
});

test("an empty passphrase beside another one is not tried", async () => {
  const { body } = vector("empty-passphrase-configured");
  expect(await check(body, ["", sale.secret])).toMatchObject({ code: "signature_mismatch" });
});

test("an older sender's name for the signature is taken", async () => {
  expect(await check(sale.body.replace("sha_sign=", "SHASIGN="))).toEqual({ ok: true });
});

test("an empty signature is a missing one", async () => {
  expect(await check("event=on_payment&sha_sign=")).toMatchObject({ code: "signature_missing" });
});

test("empty fields may come and go, and a repeated name counts by its last value", async () => {
  expect(await check(`${sale.body}&tags=`)).toEqual({ ok: true });
  expect(await check(`product_id=1&${sale.body}`)).toEqual({ ok: true });
  expect(await check(`${sale.body}&product_id=1`)).toMatchObject({ code: "signature_mismatch" });
});

test("a new passphrase works beside the old one", async () => {
  expect(await check(sale.body, ["newer-passphrase", sale.secret])).toEqual({ ok: true });
});

test("no refusal repeats the passphrase, the signature or the body", async () => {
  const refused = await Promise.all([
    check(`${sale.body}&tags=x`),
    check(sale.body.slice(0, -1)),
    check(sale.body, [""]),
  ]);
  for (const verdict of refused) {
    expect(verdict.ok).toBe(false);
    for (const told of [sale.secret, "8BDF1F49", "example.com"]) expect(JSON.stringify(verdict)).not.toContain(told);
  }
});

test("what is signed with any passphrase is verified with it, and with no other", async () => {
  const fields = fc.dictionary(fc.stringMatching(/^[A-Za-z0-9_]{1,12}$/), fc.string({ unit: "grapheme" }), {
    minKeys: 1,
  });
  const passphrase = fc.string({ minLength: 1, maxLength: 63 });
  await fc.assert(
    fc.asyncProperty(fields, passphrase, passphrase, async (values, one, other) => {
      const unsigned = bytes(`${writeForm(Object.entries(values))}&event=on_payment`);
      const body = bytes(`${new TextDecoder().decode(unsigned)}&sha_sign=${await shaSign(readForm(unsigned), one)}`);
      expect(await verifyForm(body, [one])).toEqual({ ok: true });
      fc.pre(one !== other);
      expect(await verifyForm(body, [other])).toMatchObject({ ok: false });
    }),
  );
});

test("no bytes and no passphrases make verifying throw, and none of them verifies", async () => {
  const form = fc
    .tuple(fc.string(), fc.stringMatching(/^[0-9a-fA-F]{126,130}$/))
    .map(([start, hex]) => bytes(`${start}&sha_sign=${hex}`));
  const body = fc.oneof(fc.uint8Array(), form);
  const secrets = fc.array(fc.string({ unit: "binary" }), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(body, secrets, async (data, active) => {
      expect(await verifyForm(new Uint8Array(data), active)).toMatchObject({ ok: false });
    }),
    { numRuns: 500 },
  );
});

test.each([
  ["event=on_payment", /give its IPN connection a passphrase/],
  ["event=on_payment&sha_sign=no_signature_passphrase_provided", /has no passphrase: enter one there/],
  ["event=on_payment&sha_sign=AB", /check that nothing .* changes the message/],
  [`event=on_payment&sha_sign=${"AB".repeat(64)}`, /compare them/],
])("the refusal of %s tells the seller what to do", async (body, sentence) => {
  expect(await check(body)).toMatchObject({ ok: false, sentence: expect.stringMatching(sentence) });
});
