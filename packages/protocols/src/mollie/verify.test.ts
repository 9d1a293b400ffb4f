import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Known, Reply } from "../protocol.ts";
import {
  bytes,
  chargeback,
  customer,
  eur,
  event,
  incoming,
  payment,
  refund,
  renewal,
  reply,
  subscription,
  vector,
  vectors,
} from "./fixtures/vectors.ts";
import { sign } from "./sign.ts";
import { verify, verifySignature } from "./verify.ts";

const now = Date.parse("2026-03-02T10:00:00Z");
const options = { api_key: "live_TestKey" };
const call = "id=tr_5TestAbCdE1";
const fetched = "https://api.mollie.com/v2/payments/tr_5TestAbCdE1?embed=refunds,chargebacks";
const ask = (replies: readonly Reply[] = [], body = call, known: Known = {}) =>
  verify(incoming(body), [], now, { options, replies, ...known });

describe("the published messages", () => {
  test("are all here", () => expect(vectors).toHaveLength(6));

  test.each(vectors)("$name is decided as published: $valid", async ({ headers, body, secret, valid }) => {
    // Without an API key a signed message is decided by its signature alone.
    const known = secret === null ? { options } : {};
    const verdict = await verify(incoming(body, headers), secret === null ? [] : [secret], now, known);
    if (valid !== null) expect(verdict.ok).toBe(valid);
    if (valid === false) expect(verdict).not.toHaveProperty("ask");
    if (valid === null) expect(verdict).toMatchObject({ code: "undecided" });
  });

  test("the signed one is good as soon as nobody needs to be asked", async () => {
    const { headers, body, secret } = vector("nextgen-simple");
    expect(await verify(incoming(body, headers), [secret ?? ""], now)).toEqual({ ok: true });
  });

  test("the signature of the signed one is what we sign", async () => {
    const { headers, body, secret } = vector("nextgen-simple");
    expect(await sign(bytes(body), secret ?? "")).toBe(headers["x-mollie-signature"]);
  });

  test.each([
    ["classic-hostile-id", "id_malformed"],
    ["nextgen-tampered", "signature_mismatch"],
    ["nextgen-body-without-signature", "signature_missing"],
  ])("%s is refused as %s", async (name, code) => {
    const { headers, body, secret } = vector(name);
    const verdict = await verify(incoming(body, headers), [secret ?? "x"], now, { options });
    expect(verdict).toMatchObject({ ok: false, code });
    expect(verdict).not.toHaveProperty("ask");
  });

  test("an id nobody knows is asked for, and refused once Mollie says so", async () => {
    const { body } = vector("classic-unknown-id");
    expect(await ask([], body)).toMatchObject({ code: "undecided" });
    expect(await ask([reply({ status: 404 }, 404)], body)).toMatchObject({ ok: false, code: "denied_by_provider" });
  });
});

describe("a classic call", () => {
  test("is undecided, and Mollie is asked with the API key", async () => {
    expect(await ask()).toEqual({
      ok: false,
      code: "undecided",
      sentence: expect.any(String),
      ask: {
        method: "GET",
        url: fetched,
        headers: { authorization: "Bearer live_TestKey", accept: "application/hal+json" },
      },
    });
  });

  test("is good once the payment it names was fetched", async () => {
    expect(await ask([reply(payment())])).toEqual({ ok: true });
  });

  test.each([404, 410])("is refused when Mollie answers %s", async (status) => {
    expect(await ask([reply({}, status)])).toMatchObject({ ok: false, code: "denied_by_provider" });
  });

  test.each([401, 403])("waits for a better API key when Mollie answers %s, and says so", async (status) => {
    expect(await ask([reply({}, status)])).toMatchObject({
      code: "undecided",
      again: true,
      ask: { url: fetched },
      sentence: expect.stringMatching(/API key.*wrong.*dashboard/),
    });
  });

  test.each([
    ["an error of Mollie's", reply({}, 500)],
    ["too many requests", reply({}, 429)],
    ["a redirect", reply({}, 302)],
    ["a page", reply("<html>maintenance</html>")],
    ["nothing", reply("")],
    ["a list", reply([])],
    ["another payment", reply(payment({ id: "tr_Other" }))],
  ])("is asked for again after %s", async (_, said) => {
    expect(await ask([said])).toMatchObject({ code: "undecided", again: true, ask: { url: fetched } });
  });

  test("the key in the enquiry is the one entered last", async () => {
    const verdict = await ask([reply({}, 401)], call, { options: { api_key: " live_New\n" } });
    expect(verdict).toMatchObject({ ask: { headers: { authorization: "Bearer live_New" } } });
  });

  test.each([
    [{}, "secret_missing"],
    [{ api_key: " " }, "secret_missing"],
    [{ api_key: "live_a\r\nHost: x" }, "secret_malformed"],
    [{ api_key: "schlüssel" }, "secret_malformed"],
  ])("with the options %j it is refused as %s", async (given, code) => {
    expect(await ask([], call, { options: given })).toMatchObject({ ok: false, code });
  });

  test.each([
    "id=",
    "id=tr_",
    "id=tr_5T%2Fx",
    "id=tr_5T%0A",
    "id=TR_5T",
    "id=x_1",
    "id=tr_a&id=tr_b",
    `id=tr_${"a".repeat(65)}`,
    "id=tr_5Test%3Fembed%3D",
    "id=tr_..",
  ])("%s never goes into an address", async (body) => {
    const verdict = await ask([], body);
    expect(verdict).toMatchObject({ ok: false, code: "id_malformed" });
    expect(verdict).not.toHaveProperty("ask");
  });

  test.each(["", "ID=tr_5Test", "?id=tr_5Test", "tr_5Test"])("the form %j names no id", async (body) => {
    expect(await ask([], body)).toMatchObject({ ok: false, code: "id_missing" });
  });

  test.each(["{}", "[]", '{"resource":"payment","type":"x"}', '{"resource":"event"}', "{"])(
    "the JSON %s is not an event of Mollie's",
    async (body) => expect(await ask([], body)).toMatchObject({ ok: false, code: "not_this_protocol" }),
  );

  test("the same bytes are asked about anew: what was answered before is no part of them", async () => {
    expect(await ask([])).toMatchObject({ code: "undecided" });
    expect(await ask([])).toMatchObject({ code: "undecided" });
  });

  test("a signature that does not fit refuses it, although none was needed", async () => {
    const verdict = await verify(incoming(call, { "x-mollie-signature": "0".repeat(64) }), ["s"], now, { options });
    expect(verdict).toMatchObject({ ok: false, code: "signature_mismatch" });
  });
});

describe("what else is asked", () => {
  test("the subscription that charged it, then the customer where the payment names no address", async () => {
    const paid = payment({ ...renewal, id: "tr_5TestAbCdE1", billingAddress: undefined });
    expect(await ask([reply(paid)])).toMatchObject({
      ask: { url: "https://api.mollie.com/v2/customers/cst_TestBuyer1/subscriptions/sub_TestPlan1" },
    });
    expect(await ask([reply(paid), reply(subscription)])).toMatchObject({
      ask: { url: "https://api.mollie.com/v2/customers/cst_TestBuyer1" },
    });
    expect(await ask([reply(paid), reply(subscription), reply(customer)])).toEqual({ ok: true });
  });

  test.each([403, 404, 410])("neither is needed: %s is no reason to refuse", async (status) => {
    const paid = payment({ ...renewal, id: "tr_5TestAbCdE1", billingAddress: undefined });
    expect(await ask([reply(paid), reply({}, status), reply({}, status)])).toEqual({ ok: true });
  });

  test("an error in between is asked again where it happened", async () => {
    const paid = payment({ ...renewal, id: "tr_5TestAbCdE1" });
    expect(await ask([reply(paid), reply({}, 502)])).toMatchObject({
      again: true,
      ask: { url: "https://api.mollie.com/v2/customers/cst_TestBuyer1/subscriptions/sub_TestPlan1" },
    });
  });

  test("refunds and chargebacks, where their sums are told and they are not embedded", async () => {
    const back = payment({ amountRefunded: eur("119.00"), amountChargedBack: eur("1.00") });
    const list = (name: string, entry: object) => reply({ count: 1, _embedded: { [name]: [entry] } });
    expect(await ask([reply(back)])).toMatchObject({
      ask: { url: "https://api.mollie.com/v2/payments/tr_5TestAbCdE1/refunds?limit=250" },
    });
    expect(await ask([reply(back), list("refunds", refund())])).toMatchObject({
      ask: { url: "https://api.mollie.com/v2/payments/tr_5TestAbCdE1/chargebacks?limit=250" },
    });
    const all = [reply(back), list("refunds", refund()), list("chargebacks", chargeback())];
    expect(await ask(all)).toEqual({ ok: true });
    const embedded = payment({ ...back, _embedded: { refunds: [refund()], chargebacks: [] } });
    expect(await ask([reply(embedded)])).toEqual({ ok: true });
  });

  test("an id of another shape inside a payment is not asked about", async () => {
    const odd = payment({ ...renewal, id: "tr_5TestAbCdE1", customerId: "../me", billingAddress: undefined });
    expect(await ask([reply(odd)])).toEqual({ ok: true });
  });
});

describe("a new webhook", () => {
  const signed = async (body: string, known: Known = { options }, secrets = ["s3cret"]) =>
    verify(incoming(body, { "x-mollie-signature": await sign(bytes(body), "s3cret") }), secrets, now, known);

  test("with its full payload is good without asking anybody", async () => {
    expect(await signed(event("payment.paid", payment()))).toEqual({ ok: true });
    expect(await signed(event("refund.refunded", refund()))).toEqual({ ok: true });
    expect(await signed(event("chargeback.received", chargeback()))).toEqual({ ok: true });
    expect(await signed(event("profile.verified"))).toEqual({ ok: true });
  });

  test("with a simple payload is asked about, and never denied for it", async () => {
    const simple = event("payment.paid", undefined, { entityId: "tr_5TestAbCdE1" });
    expect(await signed(simple)).toMatchObject({ code: "undecided", ask: { url: fetched } });
    expect(await signed(simple, { options, replies: [reply({}, 404)] })).toEqual({ ok: true });
    expect(await signed(simple, {})).toEqual({ ok: true });
  });

  test("the prefix of its signature may be missing, and its letters may be upper case", async () => {
    const body = bytes(event("payment.paid", payment()));
    const hex = (await sign(body, "s3cret")).slice("sha256=".length);
    expect(await verifySignature(hex, body, ["s3cret"])).toEqual({ ok: true });
    expect(await verifySignature(`sha256=${hex.toUpperCase()}`, body, ["s3cret"])).toEqual({ ok: true });
  });

  test("while the secret is changed, either signature and either secret will do", async () => {
    const body = bytes(event("payment.paid", payment()));
    const [older, newer] = [await sign(body, "older"), await sign(body, "newer")];
    for (const secret of ["older", "newer"]) {
      expect(await verifySignature(`${older}, ${newer}`, body, [secret])).toEqual({ ok: true });
    }
    expect(await verifySignature(newer, body, ["older", "newer"])).toEqual({ ok: true });
    expect(await verifySignature(newer, body, ["older"])).toMatchObject({ code: "signature_mismatch" });
  });

  test.each(["sha256=", "sha1=00", "0".repeat(63), "0".repeat(65), "g".repeat(64), `${"0".repeat(64)},`.repeat(9)])(
    "the signature %s is malformed",
    async (header) =>
      expect(await verifySignature(header, bytes("{}"), ["s"])).toMatchObject({ code: "signature_malformed" }),
  );

  test("without a secret nothing is accepted, and an empty secret is none", async () => {
    for (const secrets of [[], [""]]) {
      expect(await signed(event("payment.paid", payment()), {}, secrets)).toMatchObject({ code: "secret_missing" });
    }
    await expect(sign(bytes("{}"), "")).rejects.toThrow("secret_missing");
  });

  test("an API key does not stand in for a missing signature", async () => {
    for (const headers of [{}, { "x-mollie-signature": "" }]) {
      const verdict = await verify(incoming(event("payment.paid", payment()), headers), ["s3cret"], now, { options });
      expect(verdict).toMatchObject({ ok: false, code: "signature_missing" });
    }
  });

  test("any single changed byte never verifies", async () => {
    const body = event("payment.paid", payment());
    const signature = await sign(bytes(body), "s3cret");
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (n, flip) => {
        const forged = bytes(body);
        forged[n % forged.length] = (forged[n % forged.length] ?? 0) ^ flip;
        expect(await verifySignature(signature, forged, ["s3cret"])).toMatchObject({ code: "signature_mismatch" });
      }),
    );
  });
});

test("no refusal repeats the secret, the API key, the signature or the body", async () => {
  const refused = [
    ask([reply({}, 404)]),
    ask([], "id=kaeufer%40example.com"),
    ask([], call, { options: { api_key: "live_Secret\u0000" } }),
    verify(incoming(event("payment.paid", payment()), { "x-mollie-signature": "f".repeat(64) }), ["s3cret"], now),
  ];
  for (const verdict of await Promise.all(refused)) {
    expect(JSON.stringify(verdict)).not.toMatch(/s3cret|live_TestKey|live_Secret|kaeufer|ffff/);
  }
});

test("no bytes, header, secret, key or reply makes verifying throw, and none of them verifies", async () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.constant(call), fc.json());
  const replies = fc.array(fc.record({ status: fc.constantFrom(200, 401, 404, 500), body: text }));
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.uint8Array(), text),
      fc.option(fc.base64String()),
      fc.array(fc.string()),
      fc.string(),
      replies,
      async (data, header, secrets, api_key, said) => {
        const body = typeof data === "string" ? bytes(data) : new Uint8Array(data);
        const known = { options: { api_key }, replies: said.map((one) => reply(one.body, one.status)) };
        const verdict = await verify(
          incoming(body, header === null ? {} : { "x-mollie-signature": header }),
          secrets,
          now,
          known,
        );
        expect(verdict.ok).toBe(false);
      },
    ),
  );
});
