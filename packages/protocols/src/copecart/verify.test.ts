import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bytes, type Vector, vector, vectors } from "./fixtures/vectors.ts";
import { sign } from "./sign.ts";
import { verify, verifySignature } from "./verify.ts";

const now = Date.parse("2026-03-03T18:00:00Z");
const sale = vector("one-time-payment-made");

function incoming(headers: HeadersInit, body: string | Uint8Array<ArrayBuffer>) {
  return {
    method: "POST",
    url: "https://shop.example.com/in/token",
    headers: new Headers(headers),
    body: typeof body === "string" ? bytes(body) : body,
  };
}

const signed = ({ signature, body }: Vector) => incoming({ "X-Copecart-Signature": signature }, body);

test.each(vectors)("$name is verified with its secret", async (known) => {
  expect(await verify(signed(known), [known.secret], now)).toEqual({ ok: true });
});

test.each(vectors)("$name is signed with exactly the published signature", async ({ body, secret, signature }) => {
  expect(await sign(bytes(body), secret)).toBe(signature);
});

test("the header's name may be written in lower case", async () => {
  const lower = incoming({ "x-copecart-signature": sale.signature }, sale.body);
  expect(await verify(lower, [sale.secret], now)).toEqual({ ok: true });
});

test("must be refused: the same digest in hex, with a sentence that says so", async () => {
  const hex = "b45106c804cb9a5e6ee99b6c5a284c40c5391aa017d4e98bef589f5353ea263d";
  for (const text of [hex, hex.toUpperCase()]) {
    const verdict = await verify(incoming({ "X-Copecart-Signature": text }, sale.body), [sale.secret], now);
    expect(verdict).toMatchObject({
      ok: false,
      code: "signature_malformed",
      sentence: expect.stringMatching(/hex.*Base64/),
    });
  }
});

test("must be refused: the right signature with one character changed", async () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  for (let at = 0; at < sale.signature.length; at += 1) {
    for (const letter of alphabet) {
      if (letter === sale.signature[at]) continue;
      const forged = sale.signature.slice(0, at) + letter + sale.signature.slice(at + 1);
      expect(await verifySignature(forged, bytes(sale.body), [sale.secret])).toMatchObject({ ok: false });
    }
  }
});

test("must be refused: the right signature over the body with one space added", async () => {
  const verdict = await verify(signed({ ...sale, body: `${sale.body} ` }), [sale.secret], now);
  expect(verdict).toMatchObject({ ok: false, code: "signature_mismatch" });
});

test("must be refused: the right signature with a trailing newline inside the Base64", async () => {
  const inside = btoa(`${atob(sale.signature)}\n`);
  const after = `${sale.signature}\n`;
  const before = sale.signature.replace("=", "\n=");
  for (const text of [inside, after, before]) {
    const verdict = await verifySignature(text, bytes(sale.body), [sale.secret]);
    expect(verdict).toMatchObject({ ok: false, code: "signature_malformed" });
  }
});

test.each([
  ["without padding", sale.signature.slice(0, -1)],
  ["in the URL alphabet", sale.signature.replace("+", "-").replace("/", "_").replace(/^./, "-")],
  ["of 31 bytes", btoa("x".repeat(31))],
  ["of 33 bytes", btoa("x".repeat(33))],
  ["with a scheme before it", `sha256=${sale.signature}`],
  ["given twice", `${sale.signature}, ${sale.signature}`],
  ["that is the secret itself", sale.secret],
])("a signature %s is malformed", async (_, text) => {
  const verdict = await verify(incoming({ "X-Copecart-Signature": text }, sale.body), [sale.secret], now);
  expect(verdict).toMatchObject({ ok: false, code: "signature_malformed" });
});

test("a missing and an empty signature are refused as missing", async () => {
  for (const headers of [{}, { "X-Copecart-Signature": "" }]) {
    const verdict = await verify(incoming(headers, sale.body), [sale.secret], now);
    expect(verdict).toMatchObject({ ok: false, code: "signature_missing" });
  }
});

test("without a secret nothing is accepted", async () => {
  for (const secrets of [[], [""]]) {
    expect(await verify(signed(sale), secrets, now)).toMatchObject({ ok: false, code: "secret_missing" });
  }
});

test("a new secret works beside the old one, and a secret that is no longer active does not", async () => {
  expect(await verify(signed(sale), ["newer", sale.secret], now)).toEqual({ ok: true });
  expect(await verify(signed(sale), ["newer"], now)).toMatchObject({ ok: false, code: "signature_mismatch" });
});

test("a secret is not trimmed before it is used", async () => {
  expect(await verify(signed(sale), [`${sale.secret}\n`], now)).toMatchObject({ code: "signature_mismatch" });
});

test("more secrets than are remembered still verify, the first of them again", async () => {
  const body = bytes("{}");
  const first = await sign(body, "secret-0");
  for (let n = 0; n < 1_100; n += 1) await sign(body, `secret-${n}`);
  expect(await verifySignature(first, body, ["secret-0"])).toEqual({ ok: true });
});

test("no refusal repeats the secret, the signature or the body", async () => {
  const refused = [
    verifySignature(sale.signature, bytes(`${sale.body} `), [sale.secret]),
    verifySignature(sale.secret, bytes(sale.body), [sale.secret]),
    verifySignature(sale.signature.slice(1), bytes(sale.body), [sale.secret]),
  ];
  for (const verdict of await Promise.all(refused)) {
    for (const told of [sale.secret, sale.signature.slice(1), "mara.lindner"]) {
      expect(JSON.stringify(verdict)).not.toContain(told);
    }
  }
});

test("an empty secret signs nothing", async () => {
  await expect(sign(bytes("{}"), "")).rejects.toThrow("secret_missing");
});

test("any single changed byte of the body never verifies", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...vectors),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      async (known, n, flip) => {
        const body = bytes(known.body);
        const at = n % body.length;
        body[at] = (body[at] ?? 0) ^ flip;
        expect(await verifySignature(known.signature, body, [known.secret])).toMatchObject({
          code: "signature_mismatch",
        });
      },
    ),
    { numRuns: 500 },
  );
});

test("what is signed with any secret is verified with it, and with no other", async () => {
  const secret = fc.string({ minLength: 1 });
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), secret, secret, async (data, one, other) => {
      const body = new Uint8Array(data);
      const signature = await sign(body, one);
      expect(await verifySignature(signature, body, [other, one])).toEqual({ ok: true });
      // HMAC fills a key up with zeros, so "a" and "a\0" are the same key to it.
      fc.pre(one.replace(/\0+$/, "") !== other.replace(/\0+$/, ""));
      expect(await verifySignature(signature, body, [other])).toMatchObject({ ok: false });
    }),
  );
});

test("no header, body or secret makes verifying throw, and none of them verifies", async () => {
  const header = fc.oneof(fc.string({ unit: "binary" }), fc.base64String(), fc.constant(null));
  const secrets = fc.array(fc.string({ unit: "binary" }));
  await fc.assert(
    fc.asyncProperty(header, fc.uint8Array(), secrets, async (text, data, active) => {
      expect(await verifySignature(text, new Uint8Array(data), active)).toMatchObject({ ok: false });
    }),
  );
});
