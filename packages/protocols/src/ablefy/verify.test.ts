import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Known } from "../protocol.ts";
import { confirmed, message, options, reply, type Values } from "./fixtures/messages.ts";
import { bytes, vector, vectors } from "./fixtures/vectors.ts";
import { verify } from "./verify.ts";

function check(body: Uint8Array<ArrayBuffer>, known?: Known) {
  const url = "https://shop.example.com/in/token";
  return verify({ method: "POST", url, headers: new Headers(), body }, ["unused"], 0, known);
}

const sale = bytes(vector("payment-successful-form").body);
const asked = (path: string) => `https://api.myablefy.com/api/${path}?key=key-1&secret=secret%261`;

test("the table of vectors has one row, of which nothing can be told from itself", async () => {
  expect(vectors.map(({ valid }) => valid)).toEqual([null]);
  expect(await check(sale, { options })).toMatchObject({ ok: false, code: "undecided" });
});

test("whether a payment is true is asked under its id, among payments and then among transfers", async () => {
  expect(await check(sale, { options })).toEqual({
    ok: false,
    code: "undecided",
    sentence: expect.stringContaining("asked"),
    ask: { method: "GET", url: asked("payments/58000001"), headers: { accept: "application/json" } },
  });
  const missing = reply(404, { error: "Not found" });
  expect(await check(sale, { options, replies: [missing] })).toMatchObject({
    code: "undecided",
    ask: { url: asked("transfers/58000001") },
  });
  expect(await check(sale, { options, replies: [missing, reply(200, { id: 58000001 })] })).toEqual({ ok: true });
  expect(await check(sale, { options, replies: [missing, missing] })).toMatchObject({ code: "denied_by_provider" });
});

test.each([
  ["bare", { id: 58000001, state: "successful" }],
  ["as text", { id: "58000001" }],
  ["as a payment", { payment: { id: 58000001 } }],
  ["as data", { data: { id: 58000001, order_id: 900001 } }],
  ["refunded since", { id: 58000001, state: "refunded" }],
])("a payment that ablefy knows, %s, is confirmed", async (_, body) => {
  expect(await check(sale, { options, replies: [reply(200, body)] })).toEqual({ ok: true });
});

test("a payment of that number that belongs to another order is another one", async () => {
  const another = reply(200, { id: 58000001, order_id: 1 });
  expect(await check(sale, { options, replies: [another] })).toMatchObject({
    ask: { url: asked("transfers/58000001") },
  });
  expect(await check(sale, { options, replies: [another, reply(200, { id: 9 })] })).toMatchObject({
    code: "denied_by_provider",
  });
});

test.each(["pending", "payment_waiting", "error", "canceled", "failed"])(
  "a payment said to be made, of which ablefy says %s, is asked about again",
  async (state) => {
    expect(await check(sale, confirmed(58000001, { state }))).toMatchObject({ code: "undecided", again: true });
    expect(await check(message({ event: "payment.pending" }), confirmed(58000001, { state }))).toEqual({ ok: true });
  },
);

test.each([
  ["a page of an error", reply(502, "<html>")],
  ["no JSON", reply(200, "<html>")],
  ["nothing of use", reply(200, { ok: true })],
  ["too many requests", reply(429)],
])("after %s the same is asked again", async (_, said) => {
  expect(await check(sale, { options, replies: [said] })).toMatchObject({
    code: "undecided",
    again: true,
    ask: { url: asked("payments/58000001") },
  });
});

test.each([401, 403])("the status %s says that the key is wrong, and waits for the right one", async (status) => {
  expect(await check(sale, { options, replies: [reply(status)] })).toMatchObject({
    code: "undecided",
    again: true,
    sentence: expect.stringContaining("key"),
  });
});

test("what is said of an order alone is asked for under the order's number", async () => {
  for (const event of ["order.subscription.paying", "order.subscription.cancelled", "order.subscription.reactivated"]) {
    const body = message({ event });
    expect(await check(body, { options })).toMatchObject({ ask: { url: asked("orders/900001") } });
    expect(await check(body, confirmed(900001))).toEqual({ ok: true });
    expect(await check(body, { options, replies: [reply(404)] })).toMatchObject({ code: "denied_by_provider" });
  }
});

test("what says nothing is taken without asking", async () => {
  for (const event of ["lesson.viewed", "refund.pending", "something.new"])
    expect(await check(message({ event }))).toEqual({ ok: true });
});

test("without the API's key or secret no money is believed", async () => {
  for (const given of [undefined, {}, { options: { api_key: "key-1" } }, { options: { ...options, api_secret: " " } }])
    expect(await check(sale, given)).toMatchObject({ code: "secret_missing" });
});

test.each([{ id: null }, { id: "" }, { id: "../orders/1" }, { id: "1?x=" }, { id: "1".repeat(65) }])(
  "an id that is none, %j, is never put into an address",
  async (changes: Values) => {
    expect(await check(message(changes), { options })).toMatchObject({ code: "denied_by_provider" });
  },
);

test("what is no message of ablefy's is refused", async () => {
  for (const text of ["", "hello", "[]", "{}", "order_id=1"])
    expect(await check(bytes(text), { options })).toMatchObject({ code: "not_this_protocol" });
});

test("no sentence repeats the key, the secret or the body", async () => {
  const said = [
    await check(sale, { options }),
    await check(sale, { options, replies: [reply(401)] }),
    await check(sale, { options, replies: [reply(404), reply(404)] }),
  ];
  for (const verdict of said) {
    const sentence = "sentence" in verdict ? verdict.sentence : "";
    expect(sentence).not.toMatch(/key-1|secret&1|secret%261|58000001|example\.com/);
    expect(sentence).not.toBe("");
  }
});

test("no bytes and no replies make verifying throw, and nothing invented is believed", async () => {
  const body = fc.oneof(
    fc.uint8Array().map((data) => new Uint8Array(data)),
    fc.jsonValue().map((value) => bytes(JSON.stringify(value))),
    fc.jsonValue().map((id) => message({ id })),
  );
  const json = fc.jsonValue().map((value) => reply(200, { id: "another", value }));
  const raw = fc.tuple(fc.nat(600), fc.string()).map(([status, text]) => reply(status, text));
  await fc.assert(
    fc.asyncProperty(body, fc.array(fc.oneof(json, raw), { maxLength: 3 }), async (data, replies) => {
      expect(await check(data, { options, replies })).toMatchObject({ ok: false });
    }),
    { numRuns: 500 },
  );
});
