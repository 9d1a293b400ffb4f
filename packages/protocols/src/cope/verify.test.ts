import * as fc from "fast-check";
import { expect, test } from "vitest";
import { keyOf } from "../hmac-key.ts";
import { bytes, vector, vectors } from "./fixtures/vectors.ts";
import { verify } from "./verify.ts";

const known = vector("sale-succeeded");
const now = known.at * 1000;
const signature = `t=${known.at},v1=${known.signature}`;

function incoming(headers: HeadersInit, body: string | Uint8Array<ArrayBuffer> = known.body) {
  return {
    method: "POST",
    url: "https://shop.example.com/in/token",
    headers: new Headers(headers),
    body: typeof body === "string" ? bytes(body) : body,
  };
}

function check(header: string, more: { secrets?: string[]; body?: string; at?: number } = {}) {
  const { secrets = [known.secret], body = known.body, at = now } = more;
  return verify(incoming({ "X-Cope-Signature": header }, body), secrets, at);
}

async function hex(secret: string, timestamp: string | number, body: Uint8Array): Promise<string> {
  const head = bytes(`${timestamp}.`);
  const content = new Uint8Array([...head, ...body]);
  const digest = await (await keyOf(secret)).sign(content);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

test.each(vectors)("$name is verified with its secret, whose whole text is the key", async (one) => {
  expect(await check(`t=${one.at},v1=${one.signature}`, { secrets: [one.secret] })).toEqual({ ok: true });
  expect(await hex(one.secret, one.at, bytes(one.body))).toBe(one.signature);
  const stripped = one.secret.replace("whsec_", "");
  expect(await check(`t=${one.at},v1=${one.signature}`, { secrets: [stripped] })).toMatchObject({
    code: "signature_mismatch",
  });
});

test.each([
  ["with spaces", ` t = ${known.at} , v1 = ${known.signature} `],
  ["in the other order", `v1=${known.signature},t=${known.at}`],
  ["beside parts of unknown names", `v0=ab,t=${known.at},v1=${known.signature},v2=cd,x`],
  ["with the time given twice alike", `t=${known.at},v1=${known.signature},t=${known.at}`],
])("a header %s is read", async (_, header) => {
  expect(await check(header)).toEqual({ ok: true });
});

test("any one of several signatures is enough, wherever it stands", async () => {
  const other = "0".repeat(64);
  expect(await check(`t=${known.at},v1=${other},v1=${known.signature}`)).toEqual({ ok: true });
  expect(await check(`t=${known.at},v1=${known.signature},v1=${other}`)).toEqual({ ok: true });
  expect(await check(`t=${known.at},v1=unreadable,v1=${known.signature}`)).toEqual({ ok: true });
  expect(await check(`t=${known.at},v1=${other},v1=${other}`)).toMatchObject({ code: "signature_mismatch" });
});

test("while a secret is changed the old and the new one are both valid, signed with either or with both", async () => {
  const secrets = ["whsec_new", known.secret];
  const renewed = await hex("whsec_new", known.at, bytes(known.body));
  expect(await check(signature, { secrets })).toEqual({ ok: true });
  expect(await check(`t=${known.at},v1=${renewed}`, { secrets })).toEqual({ ok: true });
  for (const secret of secrets)
    expect(await check(`${signature},v1=${renewed}`, { secrets: [secret] })).toEqual({ ok: true });
  expect(await check(signature, { secrets: ["whsec_new"] })).toMatchObject({ code: "signature_mismatch" });
});

test.each([
  [0, undefined],
  [300_000, undefined],
  [300_001, "timestamp_too_old"],
  [86_400_000, "timestamp_too_old"],
  [-300_000, undefined],
  [-300_001, "timestamp_too_new"],
])("read %s ms after it was signed, the refusal is %s", async (ms, code) => {
  expect(await check(signature, { at: now + ms })).toMatchObject(code === undefined ? { ok: true } : { code });
});

test("a repeat that was signed anew is inside the window, the first attempt's signature is not", async () => {
  const at = now + 3_600_000;
  const again = await hex(known.secret, at / 1000, bytes(known.body));
  expect(await check(`t=${at / 1000},v1=${again}`, { at })).toEqual({ ok: true });
  expect(await check(signature, { at })).toMatchObject({ code: "timestamp_too_old" });
});

test("the signed time decides, whatever X-Cope-Timestamp says", async () => {
  const both = (timestamp: string | number) =>
    verify(incoming({ "X-Cope-Signature": signature, "X-Cope-Timestamp": String(timestamp) }), [known.secret], now);
  for (const timestamp of [known.at, known.at - 9000, "yesterday", ""])
    expect(await both(timestamp)).toEqual({ ok: true });
});

test("a header without a time is checked with that of X-Cope-Timestamp, which is signed as well", async () => {
  const alone = (timestamp: string | number) =>
    verify(
      incoming({ "X-Cope-Signature": `v1=${known.signature}`, "X-Cope-Timestamp": String(timestamp) }),
      [known.secret],
      now,
    );
  expect(await alone(known.at)).toEqual({ ok: true });
  expect(await alone(known.at + 1)).toMatchObject({ code: "signature_mismatch" });
  expect(await alone(known.at - 301)).toMatchObject({ code: "timestamp_too_old" });
  expect(await check(`v1=${known.signature}`)).toMatchObject({ code: "timestamp_missing" });
});

test("the dashboard's name for the signature is taken, and COPE's own goes before it", async () => {
  expect(await verify(incoming({ "X-Webhook-Signature": signature }), [known.secret], now)).toEqual({ ok: true });
  const both = { "X-Webhook-Signature": signature, "X-Cope-Signature": `t=${known.at},v1=${"0".repeat(64)}` };
  expect(await verify(incoming(both), [known.secret], now)).toMatchObject({ code: "signature_mismatch" });
});

test.each([
  ["in upper case", known.signature.toUpperCase()],
  ["one digit short", known.signature.slice(1)],
  ["one digit long", `${known.signature}0`],
  ["in Base64", btoa("x".repeat(32))],
  ["that is empty", ""],
])("a digest %s is malformed", async (_, digest) => {
  expect(await check(`t=${known.at},v1=${digest}`)).toMatchObject({ code: "signature_malformed" });
});

test.each([
  ["without a signature", `t=${known.at}`],
  ["of another version alone", `t=${known.at},v0=${known.signature}`],
  ["with two different times", `t=${known.at},t=${known.at + 1},v1=${known.signature}`],
  ["that is the secret", known.secret],
  ["with a great many signatures", `t=${known.at}${`,v1=${known.signature}`.repeat(17)}`],
])("a header %s is malformed", async (_, header) => {
  expect(await check(header)).toMatchObject({ code: "signature_malformed" });
});

test.each(["1778000000.0", "+1778000000", "01778000000", "-1", "1.778e9", "9".repeat(400), "now"])(
  "the time %s is malformed",
  async (time) => {
    expect(await check(`t=${time},v1=${known.signature}`)).toMatchObject({ code: "timestamp_malformed" });
  },
);

test("the raw bytes are signed, not the message printed again", async () => {
  const spaced = known.body.replace(":", ": ");
  const digest = await hex(known.secret, known.at, bytes(spaced));
  expect(await check(`t=${known.at},v1=${digest}`, { body: spaced })).toEqual({ ok: true });
  const again = JSON.stringify(JSON.parse(spaced));
  expect(await check(`t=${known.at},v1=${digest}`, { body: again })).toMatchObject({ code: "signature_mismatch" });
});

test("a missing signature is refused, and one of CopeCart is told where it belongs", async () => {
  for (const headers of [{}, { "X-Cope-Signature": "" }])
    expect(await verify(incoming(headers), [known.secret], now)).toMatchObject({ code: "signature_missing" });
  expect(await verify(incoming({ "X-Copecart-Signature": "x" }), [known.secret], now)).toMatchObject({
    code: "not_this_protocol",
    sentence: expect.stringContaining("CopeCart"),
  });
});

test("without a secret nothing is accepted", async () => {
  const byNothing = await hex("\0", known.at, bytes(known.body));
  for (const secrets of [[], [""]])
    for (const digest of [known.signature, byNothing])
      expect(await check(`t=${known.at},v1=${digest}`, { secrets })).toMatchObject({ code: "secret_missing" });
});

test("no refusal repeats the secret, the signature or the body", async () => {
  const refused = await Promise.all([
    check(signature, { body: `${known.body} ` }),
    check(known.secret),
    check(`t=${known.secret},v1=${known.signature}`),
    check(signature, { at: now + 301_000 }),
  ]);
  for (const verdict of refused) {
    expect(verdict.ok).toBe(false);
    for (const told of [known.secret, known.signature, "0f6c2b1e"]) expect(JSON.stringify(verdict)).not.toContain(told);
  }
});

test("any single changed byte of the body never verifies", async () => {
  const anyFlip = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }));
  await fc.assert(
    fc.asyncProperty(anyFlip, async ([n, flip]) => {
      const body = bytes(known.body);
      const at = n % body.length;
      body[at] = (body[at] ?? 0) ^ flip;
      const verdict = await verify(incoming({ "X-Cope-Signature": signature }, body), [known.secret], now);
      expect(verdict).toMatchObject({ code: "signature_mismatch" });
    }),
    { numRuns: 300 },
  );
});

test("any single changed character of the header's digest or time never verifies", async () => {
  for (let at = 0; at < signature.length; at += 1) {
    for (const letter of "0123456789abcdef") {
      const forged = signature.slice(0, at) + letter + signature.slice(at + 1);
      if (forged !== signature) expect(await check(forged)).toMatchObject({ ok: false });
    }
  }
});

test("what is signed with any secret is verified with it, and with no other", async () => {
  const secret = fc.string({ minLength: 1 });
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), secret, secret, async (data, one, other) => {
      const body = new Uint8Array(data);
      const headers = { "X-Cope-Signature": `t=${known.at},v1=${await hex(one, known.at, body)}` };
      expect(await verify(incoming(headers, body), [other, one], now)).toEqual({ ok: true });
      // HMAC fills a key up with zeros, so "a" and "a\0" are the same key to it.
      fc.pre(one.replace(/\0+$/, "") !== other.replace(/\0+$/, ""));
      expect(await verify(incoming(headers, body), [other], now)).toMatchObject({ ok: false });
    }),
  );
});

test("no headers, body, secrets or clock make verifying throw, and none of them verifies", async () => {
  const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map((text) => `t=${known.at},v1=${text}`);
  const value = fc.oneof(fc.stringMatching(/^[\x20-\x7e]{0,80}$/), digest);
  const names = fc.constantFrom("x-cope-signature", "x-webhook-signature", "x-cope-timestamp", "x-copecart-signature");
  const clock = fc.oneof(fc.constant(now), fc.double());
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(names, value),
      fc.uint8Array(),
      fc.array(fc.string({ unit: "binary" })),
      clock,
      async (headers, data, secrets, at) => {
        expect(await verify(incoming(headers, new Uint8Array(data)), secrets, at)).toMatchObject({ ok: false });
      },
    ),
    { numRuns: 500 },
  );
});
