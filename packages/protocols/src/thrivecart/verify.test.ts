import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { answer } from "./answer.ts";
import { bytes, incoming, plan, sale, vector, vectors } from "./fixtures/vectors.ts";
import { isProbe } from "./probe.ts";
import { renderForm, renderJson } from "./render.ts";
import { thrivecart } from "./thrivecart.ts";
import { verify } from "./verify.ts";

const now = Date.parse("2026-03-02T10:00:00Z");
const secret = "TCSECRETWORD";
const check = (body: string | Uint8Array<ArrayBuffer>, secrets = [secret]) => verify(incoming(body), secrets, now);

test("the table of vectors has three rows", () => expect(vectors).toHaveLength(3));

test.each(vectors)("$name is valid: $valid", async ({ body, secret, valid }) => {
  expect((await check(body, [secret])).ok).toBe(valid);
});

test.each([
  ["wrong-secret-word", "signature_mismatch"],
  ["secret-word-missing", "signature_missing"],
])("%s is refused as %s", async (name, code) => {
  expect(await check(vector(name).body)).toMatchObject({ ok: false, code });
});

test("both surfaces and both notations are verified", async () => {
  for (const fields of [sale(), plan("order_rebill")]) {
    expect(await check(renderForm(fields))).toEqual({ ok: true });
    expect(await check(renderJson(fields))).toEqual({ ok: true });
  }
});

test("a secret word of digits may come as a number", async () => {
  expect(await check('{"thrivecart_secret":20260302}', ["20260302"])).toEqual({ ok: true });
});

test.each([
  "",
  "event=order.success",
  "thrivecart_secret=",
  "thrivecart_secret[]=TCSECRETWORD",
  "thrivecart_secret[0]=TCSECRETWORD",
  "order[thrivecart_secret]=TCSECRETWORD",
  "?thrivecart_secret=TCSECRETWORD",
  '{"thrivecart_secret":null}',
  '{"thrivecart_secret":"null"}',
  '{"thrivecart_secret":["TCSECRETWORD"]}',
  '{"order":{"thrivecart_secret":"TCSECRETWORD"}}',
])("without the word in its place it is refused as missing: %s", async (body) => {
  expect(await check(body)).toMatchObject({ ok: false, code: "signature_missing" });
});

test.each(["tcsecretword", "TCSECRETWORD ", " TCSECRETWORD", "TCSECRETWOR", "TCSECRETWORDD", "TCSECRETWORD\0", "0"])(
  "the word has to be the same to the letter: %j",
  async (word) => {
    expect(await check(renderForm(sale({ thrivecart_secret: word })))).toMatchObject({ code: "signature_mismatch" });
  },
);

test("the word of a form given twice is its last, as PHP reads it", async () => {
  expect(await check("thrivecart_secret=no&thrivecart_secret=TCSECRETWORD")).toEqual({ ok: true });
  expect(await check("thrivecart_secret=TCSECRETWORD&thrivecart_secret=no")).toMatchObject({ ok: false });
});

test.each(["[1]", "{", '{"thrivecart_secret":"TCSECRETWORD"', "[[["])(
  "%s is not a message of ThriveCart's",
  async (body) => expect(await check(body)).toMatchObject({ ok: false, code: "not_this_protocol" }),
);

test("without a secret nothing is accepted, and neither is what stands in for it in what was kept", async () => {
  for (const secrets of [[], [""], ["************"]]) {
    const body = renderForm(sale({ thrivecart_secret: "************" }));
    expect(await check(body, secrets)).toMatchObject({ ok: false, code: "secret_missing" });
  }
});

test("a new word works beside the old one, and a word that is no longer active does not", async () => {
  expect(await check(renderForm(sale()), ["newer", secret])).toEqual({ ok: true });
  expect(await check(renderForm(sale()), ["newer"])).toMatchObject({ code: "signature_mismatch" });
});

test("no refusal repeats the word or what is in the body", async () => {
  const refused = [
    check(renderForm(sale()), ["another"]),
    check(renderForm(sale()), []),
    check(renderJson(sale()), ["x"]),
  ];
  for (const verdict of await Promise.all(refused)) {
    expect(JSON.stringify(verdict)).not.toMatch(/TCSECRETWORD|another|kaeufer/);
  }
});

test("a changed byte of the word never verifies", async () => {
  for (const body of [renderForm(sale()), renderJson(sale())]) {
    const at = new TextDecoder("latin1").decode(body).indexOf(secret);
    await fc.assert(
      fc.asyncProperty(fc.nat(secret.length - 1), fc.integer({ min: 1, max: 255 }), async (n, flip) => {
        const forged = body.slice();
        forged[at + n] = (forged[at + n] ?? 0) ^ flip;
        expect(await check(forged)).toMatchObject({ ok: false });
      }),
    );
  }
});

test("no body and no secret makes verifying throw, and none of them verifies", async () => {
  const body = fc.oneof(
    fc.uint8Array().map((data) => new Uint8Array(data)),
    fc.oneof(fc.string({ unit: "binary" }), fc.json()).map(bytes),
  );
  await fc.assert(
    fc.asyncProperty(body, fc.array(fc.string({ unit: "binary" })), async (data, secrets) => {
      expect(await check(data, secrets)).toMatchObject({ ok: false });
    }),
  );
});

describe("a probe", () => {
  test("is a call by HEAD, or one that says nothing", () => {
    expect(isProbe("HEAD", bytes(""))).toBe(true);
    for (const body of ["", "test=1", "{}", '{"ping":true}']) expect(isProbe("POST", bytes(body))).toBe(true);
  });
  test("is none that names an event, an order or the word: refusing it must not be mistaken for saving it", () => {
    for (const { body } of vectors) expect(isProbe("POST", bytes(body))).toBe(false);
    for (const body of ["order_id=1", "event=x", "thrivecart_secret=", "[", '{"event":null,"order_id":1}']) {
      expect(isProbe("POST", bytes(body))).toBe(false);
    }
  });
  test("is not verified by being one", async () => {
    expect(await check("")).toMatchObject({ ok: false });
  });
});

test("only what was kept is answered with a 2xx, and no answer tells a reason", () => {
  expect(thrivecart.name).toBe("thrivecart");
  expect([answer("stored").status, answer("refused").status, answer("unavailable").status]).toEqual([200, 401, 503]);
  for (const outcome of ["refused", "unavailable"] as const)
    expect(answer(outcome).body).not.toMatch(/OK|secret|word/i);
});
