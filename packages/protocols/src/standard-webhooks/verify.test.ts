import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bytes, vector, vectors } from "./fixtures/vectors.ts";
import { sign } from "./sign.ts";
import { verify } from "./verify.ts";

const known = vector("utf8-body");
const own = vector("v1a-own-key");
const now = known.at * 1000;

function check(headers: Record<string, string>, secrets = [known.secret], body = known.body) {
  return verify({ headers: new Headers(headers), body: bytes(body) }, secrets, now);
}

test("the table of vectors has eighteen rows", () => {
  expect(vectors).toHaveLength(18);
});

test.each(vectors)("$name is valid: $valid", async ({ headers, body, secret, at, valid }) => {
  const verdict = await verify({ headers: new Headers(headers), body: bytes(body) }, [secret], at * 1000);
  expect(verdict.ok).toBe(valid);
});

test.each([
  ["too-old", "timestamp_too_old"],
  ["too-new", "timestamp_too_new"],
  ["id-changed", "signature_mismatch"],
  ["body-changed", "signature_mismatch"],
  ["wrong-scheme-name", "signature_malformed"],
  ["empty-signature-value", "signature_malformed"],
  ["secret-used-as-text", "signature_mismatch"],
  ["empty-secret", "secret_malformed"],
  ["v1a-body-changed", "signature_mismatch"],
  ["v1-offered-to-public-key", "signature_mismatch"],
])("%s is refused as %s", async (name, code) => {
  const { headers, body, secret, at } = vector(name);
  expect(await verify({ headers: new Headers(headers), body: bytes(body) }, [secret], at * 1000)).toMatchObject({
    code,
  });
});

test.each([
  ["webhook-id", "", "id_missing"],
  ["webhook-id", "msg.1", "id_malformed"],
  ["webhook-timestamp", "", "timestamp_missing"],
  ["webhook-timestamp", "1772442930.0", "timestamp_malformed"],
  ["webhook-timestamp", "1772442930s", "timestamp_malformed"],
  ["webhook-timestamp", "+1772442930", "timestamp_malformed"],
  ["webhook-timestamp", "01772442930", "timestamp_malformed"],
  ["webhook-timestamp", "-1", "timestamp_malformed"],
  ["webhook-timestamp", "9".repeat(400), "timestamp_malformed"],
  ["webhook-signature", "", "signature_missing"],
])("the header %s with the value %j is refused as %s", async (name, value, code) => {
  expect(await check({ ...known.headers, [name]: value })).toMatchObject({ ok: false, code });
  if (value !== "") return;
  const { [name]: _, ...others } = known.headers;
  expect(await check(others)).toMatchObject({ ok: false, code });
});

test("the headers of Svix are taken, and not mixed with the others", async () => {
  const svix = Object.fromEntries(
    Object.entries(known.headers).map(([name, value]) => [name.replace("webhook-", "svix-"), value]),
  );
  expect(await check(svix)).toEqual({ ok: true });
  const mixed = { ...svix, "webhook-id": known.headers["webhook-id"] ?? "" };
  expect(await check(mixed)).toMatchObject({ code: "timestamp_missing" });
});

const signature = known.headers["webhook-signature"] ?? "";

test.each([
  ["without padding", signature.replace("=", "")],
  ["with spare bits", signature.replace("8=", "9=")],
  ["in the URL alphabet", `${signature.slice(0, 10)}-${signature.slice(11)}`],
  ["with a tabulator inside", `${signature.slice(0, 10)}\t${signature.slice(10)}`],
  ["of 31 bytes", `v1,${btoa("x".repeat(31))}`],
  ["of a version written in upper case", signature.replace("v1", "V1")],
  ["without a version", signature.replace("v1,", "")],
  ["separated by commas, as two header lines are joined", `${signature}, ${signature}x`],
])("a signature %s is malformed", async (_, text) => {
  expect(await check({ ...known.headers, "webhook-signature": text })).toMatchObject({ code: "signature_malformed" });
});

test("a header with a great many signatures is refused without looking at each", async () => {
  const crowd = Array.from({ length: 17 }, () => signature).join(" ");
  expect(await check({ ...known.headers, "webhook-signature": crowd })).toMatchObject({ code: "signature_malformed" });
});

test("one fitting secret among several is enough, whatever the others are", async () => {
  const other = `whsec_${btoa("o".repeat(32))}`;
  expect(await check(known.headers, [other, "not a secret", own.secret, known.secret])).toEqual({ ok: true });
  expect(await check(known.headers, [other, own.secret])).toMatchObject({ code: "signature_mismatch" });
});

test("a secret may be written without its prefix", async () => {
  expect(await check(known.headers, [known.secret.replace("whsec_", "")])).toEqual({ ok: true });
});

test("without a secret nothing is accepted", async () => {
  for (const secrets of [[], [""]])
    expect(await check(known.headers, secrets)).toMatchObject({ code: "secret_missing" });
});

test.each([
  ["of 23 bytes", `whsec_${btoa("x".repeat(23))}`],
  ["of 65 bytes", `whsec_${btoa("x".repeat(65))}`],
  ["with a foreign character", known.secret.replace("Z", "_")],
  ["with white space", `${known.secret}\n`],
  ["without padding", known.secret.replace("=", "")],
  ["with a prefix in upper case", known.secret.replace("whsec_", "WHSEC_")],
  ["that is a public key of 31 bytes", `whpk_${btoa("x".repeat(31))}`],
])("a secret %s is malformed", async (_, secret) => {
  expect(await check(known.headers, [secret])).toMatchObject({ code: "secret_malformed" });
});

test("the tolerance is counted in seconds to either side", async () => {
  const message = { headers: new Headers(known.headers), body: bytes(known.body) };
  const sent = Number(known.headers["webhook-timestamp"]) * 1000;
  expect(await verify(message, [known.secret], sent + 10_999, 10)).toEqual({ ok: true });
  expect(await verify(message, [known.secret], sent + 11_000, 10)).toMatchObject({ code: "timestamp_too_old" });
  expect(await verify(message, [known.secret], sent - 10_000, 10)).toEqual({ ok: true });
  expect(await verify(message, [known.secret], sent - 10_001, 10)).toMatchObject({ code: "timestamp_too_new" });
});

test("no refusal repeats the secret, the signature or the body", async () => {
  const refused = await Promise.all([
    check(known.headers, [known.secret], `${known.body} `),
    check({ ...known.headers, "webhook-signature": known.secret }),
    check(known.headers, [`${known.secret}!`]),
  ]);
  for (const verdict of refused) {
    expect(verdict.ok).toBe(false);
    for (const told of [known.secret.slice(6), signature.slice(3), "Töpferkurs"])
      expect(JSON.stringify(verdict)).not.toContain(told);
  }
});

const secretBytes = fc.uint8Array({ minLength: 24, maxLength: 64 });
const base64 = (data: Uint8Array) => btoa(String.fromCharCode(...data));
const anySecret = fc.oneof(
  secretBytes.map((data) => `whsec_${base64(data)}`),
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map((data) => `whsk_${base64(data)}`),
);
const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/);

test("what is signed with any secrets is verified with each of them, and any changed byte is refused", async () => {
  const all = fc.uniqueArray(anySecret, { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(id, fc.uint8Array({ minLength: 1 }), all, fc.nat(), async (id, data, secrets, n) => {
      const body = new Uint8Array(data);
      const timestamp = Math.floor(now / 1000);
      const headers = new Headers({
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": await sign({ id, timestamp, body }, secrets),
      });
      for (const secret of secrets) expect(await verify({ headers, body }, [secret], now)).toEqual({ ok: true });
      body[n % body.length] = (body[n % body.length] ?? 0) ^ 1;
      expect(await verify({ headers, body }, secrets, now)).toMatchObject({ code: "signature_mismatch" });
    }),
  );
});

test("no headers, body or secrets make verifying throw, and none of them verifies", async () => {
  const value = fc.oneof(
    fc.stringMatching(/^[\x20-\x7e]{0,60}$/),
    fc.base64String().map((text) => `v1,${text}`),
    fc.uint8Array({ minLength: 64, maxLength: 64 }).map((data) => `v1a,${base64(data)}`),
    fc.uint8Array({ minLength: 32, maxLength: 32 }).map((data) => `v9,A v1,${base64(data)}`),
    fc.constant(String(known.at)),
  );
  const names = fc.constantFrom(
    ...["id", "timestamp", "signature"].flatMap((part) => [`webhook-${part}`, `svix-${part}`]),
  );
  const publicKey = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((data) => `whpk_${base64(data)}`);
  const secrets = fc.array(fc.oneof(fc.string({ unit: "binary" }), anySecret, publicKey), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(fc.dictionary(names, value), fc.uint8Array(), secrets, async (changes, data, active) => {
      const headers = new Headers({ ...known.headers, "webhook-id": "another", ...changes });
      expect(await verify({ headers, body: new Uint8Array(data) }, active, now)).toMatchObject({ ok: false });
    }),
    { numRuns: 500 },
  );
});
