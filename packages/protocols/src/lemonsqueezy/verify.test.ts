import * as fc from "fast-check";
import { expect, test } from "vitest";
import { invoice, order, reply, subscription, subscriptionAttributes } from "./fixtures/messages.ts";
import { bytes, vector, vectors } from "./fixtures/vectors.ts";
import { sign } from "./sign.ts";
import { verify } from "./verify.ts";

const now = Date.parse("2026-03-02T09:16:00Z");
const known = vector("order-created");
const header = known.headers["x-signature"] ?? "";

function check(signature: string | null, secrets = [known.secret], body = known.body) {
  const headers = new Headers(signature === null ? {} : { "X-Signature": signature });
  return verify({ headers, body: bytes(body) }, secrets, now);
}

test("the table of vectors has three rows", () => {
  expect(vectors).toHaveLength(3);
});

test.each(vectors)("$name is valid: $valid", async ({ headers, body, secret, valid }) => {
  const verdict = await verify({ headers: new Headers(headers), body: bytes(body) }, [secret], now);
  expect(verdict.ok).toBe(valid);
});

test("a message is signed with exactly the published signature", async () => {
  expect(await sign(bytes(known.body), known.secret)).toBe(header);
  await expect(sign(bytes("{}"), "")).rejects.toThrow("secret_missing");
});

test.each([
  [null, "signature_missing"],
  ["", "signature_missing"],
  [vector("base64-instead-of-hex").headers["x-signature"] ?? "", "signature_malformed"],
  [header.toUpperCase(), "signature_malformed"],
  [header.slice(1), "signature_malformed"],
  [`sha256=${header}`, "signature_malformed"],
  [`${header}, ${header}`, "signature_malformed"],
  ["0".repeat(64), "signature_mismatch"],
])("the signature %j is refused as %s", async (text, code) => {
  expect(await check(text)).toMatchObject({ ok: false, code });
});

test("a changed body is refused", async () => {
  const { headers, body, secret } = vector("tampered");
  const verdict = await verify({ headers: new Headers(headers), body: bytes(body) }, [secret], now);
  expect(verdict).toMatchObject({ code: "signature_mismatch" });
});

test("one fitting secret among several is enough, and none is not", async () => {
  expect(await check(header, ["", "another", known.secret])).toEqual({ ok: true });
  expect(await check(header, ["another"])).toMatchObject({ code: "signature_mismatch" });
  for (const secrets of [[], [""]]) expect(await check(header, secrets)).toMatchObject({ code: "secret_missing" });
});

test("years later the same message is still verified: there is no timestamp, and a message may be sent again by hand", async () => {
  const headers = new Headers(known.headers);
  const verdict = await verify({ headers, body: bytes(known.body) }, [known.secret], Date.parse("2036-01-01"));
  expect(verdict).toEqual({ ok: true });
});

const options = { api_key: "lemon-api-key" };

async function decide(body: Uint8Array<ArrayBuffer>, known?: Parameters<typeof verify>[3]) {
  return verify({ headers: new Headers({ "x-signature": await sign(body, "secret") }), body }, ["secret"], now, known);
}

test("an order's price is asked for", async () => {
  expect(await decide(order("order_created"), { options })).toEqual({
    ok: false,
    code: "undecided",
    sentence: expect.any(String),
    ask: {
      method: "GET",
      url: "https://api.lemonsqueezy.com/v1/prices/602",
      headers: { authorization: "Bearer lemon-api-key", accept: "application/vnd.api+json" },
    },
  });
  const told = reply("prices", "602", { category: "one_time" });
  expect(await decide(order("order_created"), { options, replies: [told] })).toEqual({ ok: true });
});

test.each(["success", "recovered", "failed", "refunded"])(
  "an invoice's subscription is asked for: %s",
  async (word) => {
    const body = invoice(`subscription_payment_${word}`);
    expect(await decide(body, { options })).toMatchObject({
      ask: { url: "https://api.lemonsqueezy.com/v1/subscriptions/55" },
    });
    const told = reply("subscriptions", "55", subscriptionAttributes());
    expect(await decide(body, { options, replies: [told] })).toEqual({ ok: true });
  },
);

test.each([
  ["a subscription", subscription("subscription_created")],
  ["a refund of an order", order("order_refunded")],
  ["an order without a price", order("order_created", { first_order_item: {} })],
  ["an id that is no number", invoice("subscription_payment_success", { subscription_id: "5/../../x" })],
])("of %s nothing is asked", async (_, body) => {
  expect(await decide(body, { options })).toEqual({ ok: true });
});

test("without an API key nothing is asked", async () => {
  for (const known of [undefined, {}, { options: { api_key: "" } }])
    expect(await decide(order("order_created"), known)).toEqual({ ok: true });
});

test.each([
  [401, "{}"],
  [500, "<html>"],
  [200, "<html>"],
  [200, '{"data":{}}'],
])("a reply with %i and %s says nothing, and the same is asked again", async (status, text) => {
  const verdict = await decide(order("order_created"), { options, replies: [{ status, body: bytes(text) }] });
  expect(verdict).toMatchObject({ code: "undecided", again: true, ask: { method: "GET" } });
  expect(verdict.ok || verdict.sentence).not.toContain("lemon-api-key");
});

test("an object Lemon Squeezy does not know any more holds up no message", async () => {
  const gone = { status: 404, body: bytes("{}") };
  expect(await decide(order("order_created"), { options, replies: [gone] })).toEqual({ ok: true });
});

test("what is signed is verified, and any changed byte is refused", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1 }),
      fc.string({ minLength: 1 }),
      fc.nat(),
      async (data, secret, n) => {
        const body = new Uint8Array(data);
        const headers = new Headers({ "x-signature": await sign(body, secret) });
        expect(await verify({ headers, body }, [secret], now)).toEqual({ ok: true });
        body[n % body.length] = (body[n % body.length] ?? 0) ^ 1;
        expect(await verify({ headers, body }, [secret], now)).toMatchObject({ code: "signature_mismatch" });
      },
    ),
  );
});

test("no header, body, secret or reply makes verifying throw", async () => {
  const reply = fc.record({
    status: fc.constantFrom(200, 404, 500),
    body: fc.json().map((one) => bytes(`{"data":${one}}`)),
  });
  const bodies = fc.oneof(
    fc.uint8Array().map((data) => new Uint8Array(data)),
    fc.jsonValue().map((value) => invoice("subscription_payment_success", { subscription_id: value })),
  );
  await fc.assert(
    fc.asyncProperty(fc.stringMatching(/^[\x20-\x7e]{0,70}$/), bodies, fc.array(reply), async (text, body, replies) => {
      expect((await verify({ headers: new Headers({ "x-signature": text }), body }, ["s"], now, { options })).ok).toBe(
        false,
      );
      const verdict = await decide(body, { options, replies });
      expect(verdict.ok || verdict.code === "undecided").toBe(true);
    }),
  );
});
