import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { created, event, invoice, reply, session } from "./fixtures/events.ts";
import { bytes, vector, vectors } from "./fixtures/vectors.ts";
import { sign } from "./sign.ts";
import { verify } from "./verify.ts";

const sale = vector("checkout-completed-utf8");
const now = sale.at * 1000;
const incoming = (header: string | undefined, body: Uint8Array<ArrayBuffer>) => ({
  headers: new Headers(header === undefined ? {} : { "Stripe-Signature": header }),
  body,
});
const header = sale.headers["stripe-signature"]!;
const digest = header.slice(header.indexOf("v1=") + 3);
const t = header.slice(2, header.indexOf(","));

test.each(vectors)("$name is verified exactly as the table says", async ({ headers, body, secret, valid, at }) => {
  const verdict = await verify({ headers: new Headers(headers), body: bytes(body) }, [secret], at * 1000);
  expect(verdict.ok).toBe(valid);
});

test("what we sign is what Stripe signs", async () => {
  expect(await sign(bytes(sale.body), sale.secret, Number(t) * 1000 + 999)).toBe(header);
});

test("nothing is signed without a secret", async () => {
  await expect(sign(bytes("{}"), "  ", now)).rejects.toThrow("secret_missing");
});

test("one of several secrets is enough, in whichever place", async () => {
  for (const secrets of [
    ["whsec_old", sale.secret],
    [sale.secret, "whsec_old"],
    ["", " ", sale.secret],
  ])
    expect(await verify(incoming(header, bytes(sale.body)), secrets, now)).toEqual({ ok: true });
});

test.each([
  [undefined, "signature_missing"],
  ["", "signature_missing"],
  [`t=${t}`, "signature_missing"],
  [`t=${t},v0=${digest}`, "signature_missing"],
  [`t=${t},V1=${digest}`, "signature_missing"],
  [`v1=${digest}`, "timestamp_missing"],
  [`t=,v1=${digest}`, "timestamp_malformed"],
  [`t=-${t},v1=${digest}`, "timestamp_malformed"],
  [`t=${t}.0,v1=${digest}`, "timestamp_malformed"],
  [`t=${t},t=${t},v1=${digest}`, "timestamp_malformed"],
  [`t=${t},v1=`, "signature_malformed"],
  [`t=${t},v1=${digest.toUpperCase()}`, "signature_malformed"],
  [`t=${t},v1=${digest.slice(2)}`, "signature_malformed"],
  [`t=${t}${`,v1=${digest}`.repeat(17)}`, "signature_malformed"],
  [`t=0${t},v1=${digest}`, "signature_mismatch"],
  [`t=${Number(t) + 1},v1=${digest}`, "signature_mismatch"],
])("the header %j is refused: %s", async (text, code) => {
  expect(await verify(incoming(text, bytes(sale.body)), [sale.secret], now)).toMatchObject({ ok: false, code });
});

test("the age may be 300 seconds to either side and not one more", async () => {
  const body = bytes(sale.body);
  const at = async (seconds: number) => {
    const verdict = await verify(incoming(header, body), [sale.secret], (Number(t) + seconds) * 1000);
    return verdict.ok ? "ok" : verdict.code;
  };
  expect(await Promise.all([-301, -300, 0, 300, 301].map(at))).toEqual([
    "timestamp_too_new",
    "ok",
    "ok",
    "ok",
    "timestamp_too_old",
  ]);
});

test("a connection without a secret says so before anything else", async () => {
  for (const secrets of [[], [""], ["  "]])
    expect(await verify(incoming(undefined, bytes("")), secrets, now)).toMatchObject({ code: "secret_missing" });
});

test("an API key in the place of the secret is called by its name", async () => {
  for (const key of ["sk_live_1", "rk_test_1", "pk_live_1"])
    expect(await verify(incoming(header, bytes(sale.body)), [key], now)).toMatchObject({
      code: "secret_malformed",
      sentence: expect.stringContaining("whsec_"),
    });
});

test("a changed byte of the body never verifies", () =>
  fc.assert(
    fc.asyncProperty(fc.nat(bytes(sale.body).length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const body = bytes(sale.body);
      body[at] = body[at]! ^ change;
      expect(await verify(incoming(header, body), [sale.secret], now)).toMatchObject({ code: "signature_mismatch" });
    }),
  ));

test("no header, body, secret or option makes verifying throw", () =>
  fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `t=${t},v1=${text}`),
      ),
      fc.uint8Array(),
      fc.array(fc.string()),
      fc.string(),
      async (text, body, secrets, api_key) => {
        const headers = { get: () => text } as unknown as Headers;
        const verdict = await verify({ headers, body: new Uint8Array(body) }, secrets, now, { options: { api_key } });
        expect(verdict.ok).toBe(false);
      },
    ),
  ));

test("whatever is signed, with whatever replies, is never refused and never throws", () =>
  fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array(),
        fc.jsonValue().map((value) => bytes(JSON.stringify(value))),
      ),
      fc.array(fc.record({ status: fc.integer({ min: 100, max: 599 }), body: fc.uint8Array() })),
      async (data, given) => {
        const body = new Uint8Array(data);
        const replies = given.map((one) => ({ ...one, body: new Uint8Array(one.body) }));
        const known = { options: { api_key: "rk_live_1" }, replies };
        const signed = incoming(await sign(body, sale.secret, now), body);
        expect(await verify(signed, [sale.secret], now, known)).toEqual({ ok: true });
      },
    ),
  ));

describe("with an API key", () => {
  const at = created * 1000;
  const options = { api_key: "rk_live_7" };
  const ask = async (body: Uint8Array<ArrayBuffer>, known: object = { options }) =>
    verify(incoming(await sign(body, sale.secret, at), body), [sale.secret], at, known);
  const checkout = event("checkout.session.completed", session());

  test("a one-time checkout is undecided until its line items are told", async () => {
    expect(await ask(checkout)).toEqual({
      ok: false,
      code: "undecided",
      sentence: expect.any(String),
      ask: {
        method: "GET",
        url: "https://api.stripe.com/v1/checkout/sessions/cs_live_1/line_items?limit=100&expand[]=data.price.product",
        headers: { authorization: "Bearer rk_live_7", "stripe-version": "2025-03-31.basil" },
      },
    });
    expect(await ask(checkout, { options, replies: [reply(200, { object: "list", data: [] })] })).toEqual({ ok: true });
  });

  test("a wrong signature is refused before anything is asked", async () => {
    const wrong = incoming(await sign(checkout, "whsec_other", at), checkout);
    expect(await verify(wrong, [sale.secret], at, { options })).toMatchObject({ code: "signature_mismatch" });
  });

  test.each([403, 404])("the answer %i lets it go on without", async (status) => {
    expect(await ask(checkout, { options, replies: [reply(status, { error: {} })] })).toEqual({ ok: true });
  });

  test.each([
    [401, "{}"],
    [429, "{}"],
    [500, ""],
    [503, "<html>"],
    [302, ""],
    [200, "<html>"],
    [200, "[]"],
    [200, '{"data":null}'],
  ])("the answer %i %j says nothing, and the same is asked again", async (status, body) => {
    const first = await ask(checkout);
    const again = await ask(checkout, { options, replies: [reply(status, body)] });
    expect(again).toMatchObject({ code: "undecided", again: true });
    expect("ask" in again && again.ask).toEqual("ask" in first && first.ask);
  });

  test("a refused key is called by its name, and not shown", async () => {
    const verdict = await ask(checkout, { options, replies: [reply(401, {})] });
    expect(verdict).toMatchObject({ sentence: expect.stringMatching(/API key/) });
    expect("sentence" in verdict && verdict.sentence).not.toContain(options.api_key);
  });

  test("what a connected account sold is asked for in its name", async () => {
    const verdict = await ask(event("checkout.session.completed", session(), { account: "acct_9" }));
    expect(verdict).toMatchObject({ ask: { headers: { "stripe-account": "acct_9" } } });
  });

  const refund = { id: "re_1", object: "refund", amount: 100, currency: "eur", charge: "ch_1", payment_intent: "pi_1" };

  test.each([
    ["refund.created", refund],
    ["charge.refund.updated", refund],
    ["charge.refunded", { id: "ch_1", object: "charge", payment_intent: "pi_1", amount_refunded: 1, currency: "eur" }],
    ["charge.dispute.created", { id: "dp_1", object: "dispute", payment_intent: "pi_1", charge: "ch_1" }],
  ])("the invoice behind %s is asked for", async (type, object) => {
    expect(await ask(event(type, object))).toMatchObject({
      code: "undecided",
      ask: {
        url: "https://api.stripe.com/v1/invoice_payments?payment[type]=payment_intent&payment[payment_intent]=pi_1",
      },
    });
  });

  test.each([
    ["checkout.session.completed", session({ mode: "subscription", subscription: "sub_1" })],
    ["checkout.session.completed", session({ mode: "setup" })],
    ["checkout.session.completed", session({ line_items: { object: "list", data: [{ id: "li_1" }] } })],
    ["checkout.session.completed", session({ id: "../charges" })],
    ["checkout.session.expired", session()],
    ["invoice.paid", invoice([])],
    ["charge.refunded", { id: "ch_1", object: "charge", payment_intent: "pi_1", invoice: "in_1" }],
    ["charge.refunded", { id: "ch_1", object: "charge", payment_intent: "pi_1", invoice: null }],
    ["refund.created", { ...refund, payment_intent: "pi_1&limit=100" }],
    ["charge.succeeded", { id: "ch_1", object: "charge", payment_intent: "pi_1" }],
  ])("nothing is asked about %s where nothing is missing: %j", async (type, object) => {
    expect(await ask(event(type, object))).toEqual({ ok: true });
  });

  test("a thin event is not asked about", async () => {
    const thin = event("checkout.session.completed", session(), { object: "v2.core.event" });
    expect(await ask(thin)).toEqual({ ok: true });
  });

  test.each([undefined, "", "  ", "rk live", "rk\nlive"])("the key %j asks nothing", async (api_key) => {
    expect(await ask(checkout, { options: { api_key } })).toEqual({ ok: true });
  });
});
