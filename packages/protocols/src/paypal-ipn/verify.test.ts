import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Known } from "../protocol.ts";
import { bytes, changed, vector, vectors } from "./fixtures/vectors.ts";
import { verify } from "./verify.ts";

const now = Date.parse("2026-03-02T18:00:00Z");
const sale = vector("web-accept-completed-utf8");
const own: Known = { options: { receiver: "verkauf@example.com" }, mode: "live" };
const text = (data: Uint8Array | undefined) => new TextDecoder().decode(data);

function incoming(body: string | Uint8Array<ArrayBuffer>) {
  return {
    method: "POST",
    url: "https://shop.example.com/in/token",
    headers: new Headers({ "content-type": "application/x-www-form-urlencoded" }),
    body: typeof body === "string" ? bytes(body) : body,
  };
}

const ask = (body: string | Uint8Array<ArrayBuffer>, known: Known) => verify(incoming(body), [], now, known);
const replied = (reply: string, status = 200): Known => ({ ...own, replies: [{ status, body: bytes(reply) }] });

test.each(vectors)("$name is posted back with its own bytes behind the command", async ({ body, postback }) => {
  const verdict = await ask(body, own);
  if (verdict.ok || verdict.code !== "undecided") throw new Error("PayPal has to be asked");
  expect(text(verdict.ask.body)).toBe(postback);
  expect(verdict.ask).toMatchObject({
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", "user-agent": expect.stringMatching(/./) },
  });
  expect(verdict.again).toBeUndefined();
});

test("the bytes are posted back as they came, whatever they are", () =>
  fc.assert(
    fc.asyncProperty(fc.uint8Array(), async (tail) => {
      const body = new Uint8Array([...bytes("txn_id=T&business=verkauf@example.com&x="), ...tail]);
      const verdict = await ask(body, own);
      if (verdict.ok || verdict.code !== "undecided") throw new Error("PayPal has to be asked");
      expect(verdict.ask.body).toEqual(new Uint8Array([...bytes("cmd=_notify-validate&"), ...body]));
    }),
  ));

test.each([
  ["live", "https://ipnpb.paypal.com/cgi-bin/webscr"],
  ["test", "https://ipnpb.sandbox.paypal.com/cgi-bin/webscr"],
] as const)("a %s connection asks %s, whatever the message says of a test", async (mode, url) => {
  for (const test_ipn of ["1", "0", null]) {
    expect(await ask(changed(sale.name, { test_ipn }), { ...own, mode })).toMatchObject({ ask: { url } });
  }
});

test("VERIFIED proves it, INVALID denies it", async () => {
  expect(await ask(sale.body, replied("VERIFIED"))).toEqual({ ok: true });
  expect(await ask(sale.body, replied("INVALID"))).toMatchObject({ ok: false, code: "denied_by_provider" });
});

test.each([
  ["an error's page", "<html>VERIFIED</html>", 200],
  ["nothing", "", 200],
  ["the word in lower case", "verified", 200],
  ["the word and more", "VERIFIED!", 200],
  ["the word with an error", "VERIFIED", 503],
  ["a denial with an error", "INVALID", 500],
])("%s says nothing: the same is asked again", async (_, reply, status) => {
  const first = await ask(sale.body, own);
  const again = await ask(sale.body, replied(reply, status));
  if (first.ok || first.code !== "undecided") throw new Error("PayPal has to be asked");
  expect(again).toMatchObject({ ok: false, code: "undecided", again: true, ask: first.ask });
});

test.each([
  ["its address in another case", "Verkauf@Example.com", {}],
  ["its merchant id", "testmerchant1", {}],
  ["one of several", "other@example.com, verkauf@example.com", {}],
  ["business alone", "verkauf@example.com", { receiver_email: "primary@example.com", receiver_id: null }],
])("a receiver known by %s is taken", async (_, receiver, changes) => {
  expect(await ask(changed(sale.name, changes), { options: { receiver }, mode: "live" })).toMatchObject({
    code: "undecided",
  });
});

test.each([
  ["to somebody else", "other@example.com", {}],
  ["where none is named", "verkauf@example.com", { receiver_email: null, business: null, receiver_id: null }],
  ["with an empty receiver", " , ", { receiver_email: "", business: "" }],
  ["before the receiver is set", undefined, {}],
])("a payment %s is refused before PayPal is asked, even if it had been verified", async (_, receiver, changes) => {
  const known: Known = { ...replied("VERIFIED"), options: receiver === undefined ? {} : { receiver } };
  expect(await ask(changed(sale.name, changes), known)).toMatchObject({ ok: false, code: "recipient_mismatch" });
});

test.each(["", "{}", '{"event_type":"PAYMENT.CAPTURE.COMPLETED"}', "a=1"])("%j is not an IPN", async (body) => {
  expect(await ask(body, own)).toMatchObject({ ok: false, code: "not_this_protocol" });
});

test("a message in a charset nobody can decode is still proven, and can be read later", async () => {
  expect(await ask(changed(sale.name, { charset: "x-klingon" }), replied("VERIFIED"))).toEqual({ ok: true });
});

test("never throws, and nothing but VERIFIED verifies", () =>
  fc.assert(
    fc.asyncProperty(fc.uint8Array(), fc.uint8Array(), fc.integer(), async (body, reply, status) => {
      const known: Known = { ...own, replies: [{ status, body: reply }] };
      for (const sent of [body, bytes(sale.body)]) {
        const verdict = await ask(sent, known);
        expect(verdict.ok).toBe(false);
      }
    }),
  ));
