import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bytes, vector, vectors } from "./fixtures/vectors.ts";
import { verify } from "./verify.ts";

const known = vector("purchase-approved");

function incoming(headers: HeadersInit, body: string | Uint8Array<ArrayBuffer> = known.body) {
  return {
    method: "POST",
    url: "https://shop.example.com/in/token",
    headers: new Headers(headers),
    body: typeof body === "string" ? bytes(body) : body,
  };
}

const check = (headers: HeadersInit, secrets: readonly string[], body = known.body) =>
  verify(incoming(headers, body), secrets, 0);
const token = { "X-HOTMART-HOTTOK": known.secret };

test("the table of vectors has three rows", () => {
  expect(vectors).toHaveLength(3);
});

test.each(vectors)("$name is valid: $valid", async ({ headers, body, secret, valid }) => {
  expect((await check(headers, [secret], body)).ok).toBe(valid);
});

test.each([
  ["wrong-token", "signature_mismatch"],
  ["no-token", "signature_missing"],
])("%s is refused as %s", async (name, code) => {
  const { headers, body, secret } = vector(name);
  expect(await check(headers, [secret], body)).toMatchObject({ ok: false, code });
});

test("the token of version 1 is taken from the body, where no header carries one", async () => {
  const body = (hottok: unknown) => JSON.stringify({ hottok, event: "PURCHASE_APPROVED" });
  expect(await check({}, [known.secret], body(known.secret))).toEqual({ ok: true });
  expect(await check({}, [known.secret], body("other"))).toMatchObject({ code: "signature_mismatch" });
  for (const hottok of ["", null, 1, {}])
    expect(await check({}, [known.secret], body(hottok))).toMatchObject({ code: "signature_missing" });
  expect(await check({ "X-HOTMART-HOTTOK": "other" }, [known.secret], body(known.secret))).toMatchObject({
    code: "signature_mismatch",
  });
});

test("a new token works beside the old one", async () => {
  expect(await check(token, ["newer", known.secret])).toEqual({ ok: true });
  expect(await check(token, ["newer"])).toMatchObject({ code: "signature_mismatch" });
});

test.each(["hottok-test-000", "hottok-test-00011", "HOTTOK-TEST-0001", "hottok-test-0002"])(
  "%j is another token",
  async (secret) => {
    expect(await check(token, [secret])).toMatchObject({ code: "signature_mismatch" });
  },
);

test("without a token of its own the connection accepts nothing", async () => {
  for (const secrets of [[], [""]]) {
    expect(await check(token, secrets)).toMatchObject({ code: "secret_missing" });
    expect(await check({ "X-HOTMART-HOTTOK": "" }, secrets)).toMatchObject({ code: "signature_missing" });
  }
});

test("no refusal repeats a token or the body", async () => {
  for (const verdict of [await check(token, ["another-token"]), await check({}, [known.secret])])
    for (const told of [known.secret, "another-token", "example.com"])
      expect(JSON.stringify(verdict)).not.toContain(told);
});

test("any single changed character of the token never verifies", async () => {
  const printable = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
  await fc.assert(
    fc.asyncProperty(fc.nat(known.secret.length - 1), printable, async (at, letter) => {
      const changed = known.secret.slice(0, at) + letter + known.secret.slice(at + 1);
      fc.pre(changed !== known.secret);
      expect(await check({ "X-HOTMART-HOTTOK": changed }, [known.secret])).toMatchObject({ ok: false });
    }),
  );
});

test("no header, body or secrets make verifying throw, and none of them verifies", async () => {
  const header = fc.stringMatching(/^[\x20-\x7e]{0,40}$/);
  const secrets = fc.array(fc.string({ unit: "binary" }).map((text) => `${text}\0`));
  await fc.assert(
    fc.asyncProperty(header, fc.uint8Array(), secrets, async (value, data, active) => {
      const body = new Uint8Array(data);
      expect(await verify(incoming({ "X-HOTMART-HOTTOK": value }, body), active, 0)).toMatchObject({ ok: false });
    }),
  );
});
