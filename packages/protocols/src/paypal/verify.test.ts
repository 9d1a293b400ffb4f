import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Known, Reply, Verdict } from "../protocol.ts";
import { decodeBase64 } from "../base64.ts";
import { isSignedBy, readPem } from "./certificate.ts";
import { certificate, signature, type TestCertificate } from "./fixtures/certificate.ts";
import { bytes, vector, vectors } from "./fixtures/vectors.ts";
import { signedMessage } from "./transmission.ts";
import { verify } from "./verify.ts";

const known = vector("capture-completed");
const time = "2026-03-02T09:15:31Z";
const now = Date.parse(time) + 5_000;
const root = certificate("Example Root");
const paypals = certificate("messageverificationcerts.paypal.com", { issuer: root });
const webhookId = known.secret;

const reply = (body: string, status = 200): Reply => ({ status, body: bytes(body) });
const configured: Known = { options: { webhook_id: webhookId }, mode: "test" };

/** Signed as PayPal does. */
function signed(body: string, signer: TestCertificate = paypals, headers: Record<string, string | null> = {}) {
  const id = "11111111-2222-3333-4444-555555555555";
  const all = new Headers({
    ...known.headers,
    "paypal-transmission-id": id,
    "paypal-transmission-sig": signature(signer, signedMessage({ id, time }, webhookId, bytes(body))),
  });
  for (const [name, value] of Object.entries(headers)) {
    if (value === null) all.delete(name);
    else all.set(name, value);
  }
  return { method: "POST", url: "https://shop.example.com/in/token", headers: all, body: bytes(body) };
}

const check = (incoming: ReturnType<typeof signed>, replies: readonly Reply[], more: Known = {}, at = now) =>
  verify(incoming, [], at, { ...configured, ...more, replies });

const asked = (verdict: Verdict) => {
  if (verdict.ok || verdict.code !== "undecided") throw new Error(`not undecided but ${JSON.stringify(verdict)}`);
  return verdict;
};

test("what is signed is id, time, webhook id and the checksum of the body", () => {
  const message = signedMessage(
    { id: known.headers["paypal-transmission-id"] ?? "", time },
    webhookId,
    bytes(known.body),
  );
  expect(new TextDecoder().decode(message)).toBe(known.signedMessage);
});

test.each(vectors.filter(({ name }) => !name.includes("cert")))(
  "$name: the signature holds by its certificate just where it should ($valid)",
  async ({ headers, secret, body, certificate, valid }) => {
    const id = headers["paypal-transmission-id"] ?? "";
    const message = signedMessage({ id, time: headers["paypal-transmission-time"] ?? "" }, secret, bytes(body));
    const [read] = readPem(bytes(certificate)) ?? [];
    const given = decodeBase64(headers["paypal-transmission-sig"] ?? "");
    if (!read || !given) throw new Error("the vector cannot be read");
    expect(await isSignedBy(read, given, message)).toBe(valid);
  },
);

test.each(vectors.filter(({ name }) => name.includes("cert")))(
  "$name is refused before anything is fetched",
  async ({ headers, body }) => {
    const incoming = { ...signed(body), headers: new Headers(headers) };
    expect(await check(incoming, [])).toMatchObject({ ok: false, code: "signature_malformed" });
  },
);

test("the certificate is fetched first, from where PayPal says, and then the signature holds", async () => {
  const incoming = signed(known.body);
  expect(asked(await check(incoming, [])).ask).toMatchObject({
    method: "GET",
    url: "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-TEST",
  });
  expect(await check(incoming, [reply(paypals.pem)])).toEqual({ ok: true });
  expect(await check(incoming, [reply(paypals.pem + root.pem)])).toEqual({ ok: true });
});

test.each([
  "http://api.paypal.com/c",
  "https://api.paypal.com.example.org/c",
  "https://examplepaypal.com/c",
  "https://paypal.com.example.org/?https://api.paypal.com/c",
  "https://api.paypal.com@example.org/c",
  "https://user@api.paypal.com/c",
  "https://:word@api.paypal.com/c",
  "https://api.paypal.com:8443/c",
  "https://api.paypal.com./c",
  "https://api.paypal.com/search?text=-----BEGIN",
  "https://api.paypal.com/c#d",
  "ftp://api.paypal.com/c",
  "//api.paypal.com/c",
  "not an address",
])("a certificate at %s is not fetched", async (url) => {
  const incoming = signed(known.body, paypals, { "paypal-cert-url": url });
  expect(await check(incoming, [], { mode: "live" })).toMatchObject({ ok: false, code: "signature_malformed" });
});

test.each(["https://api.paypal.com/v1/c", "https://API.PayPal.com:443/v1/c", "https://certs.eu.paypal.com/v1/c"])(
  "a certificate at %s is fetched",
  async (url) => {
    const incoming = signed(known.body, paypals, { "paypal-cert-url": url });
    expect(asked(await check(incoming, [], { mode: "live" })).ask.url).toMatch(
      /^https:\/\/[a-z.]+\.paypal\.com\/v1\/c$/,
    );
  },
);

test("the sandbox cannot speak to a live connection", async () => {
  for (const mode of ["live", undefined] as const)
    expect(
      await verify(signed(known.body), [], now, { options: { webhook_id: webhookId }, ...(mode && { mode }) }),
    ).toMatchObject({
      ok: false,
      code: "recipient_mismatch",
    });
});

test.each([
  ["paypal-transmission-id", "id_missing"],
  ["paypal-transmission-time", "timestamp_missing"],
  ["paypal-transmission-sig", "signature_missing"],
  ["paypal-cert-url", "signature_missing"],
  ["paypal-auth-algo", "signature_malformed"],
])("without the header %s: %s", async (name, code) => {
  expect(await check(signed(known.body, paypals, { [name]: null }), [reply(paypals.pem)])).toMatchObject({
    ok: false,
    code,
  });
});

test.each([
  ["paypal-auth-algo", "SHA1withRSA", "signature_malformed"],
  ["paypal-auth-algo", "none", "signature_malformed"],
  ["paypal-transmission-time", "yesterday", "timestamp_malformed"],
  ["paypal-transmission-time", "2026-03-02T09:15:31", "timestamp_malformed"],
  ["paypal-transmission-sig", "§", "signature_malformed"],
  ["paypal-transmission-sig", "ab", "signature_malformed"],
])("with the header %s: %s it is refused: %s", async (name, value, code) => {
  const incoming = signed(known.body, paypals, { [name]: value });
  expect(await check(incoming, [reply(paypals.pem)])).toMatchObject({ ok: false, code });
});

test("without the webhook's id the seller is told where it stands", async () => {
  expect(await check(signed(known.body), [reply(paypals.pem)], { options: {} })).toMatchObject({
    ok: false,
    code: "secret_missing",
    sentence: expect.stringContaining("webhook_id"),
  });
});

test("another webhook's message, another body, another id or time do not verify", async () => {
  const incoming = signed(known.body);
  const wrong = { ok: false, code: "signature_mismatch" };
  expect(await check(incoming, [reply(paypals.pem)], { options: { webhook_id: "9TEST" } })).toMatchObject(wrong);
  expect(await check({ ...incoming, body: bytes(`${known.body} `) }, [reply(paypals.pem)])).toMatchObject(wrong);
  for (const [name, value] of [
    ["paypal-transmission-id", "another"],
    ["paypal-transmission-time", "2026-03-02T09:15:32Z"],
  ] as const) {
    const changed = new Headers(incoming.headers);
    changed.set(name, value);
    expect(await check({ ...incoming, headers: changed }, [reply(paypals.pem)])).toMatchObject(wrong);
  }
});

test("a repeat of PayPal's is taken for four days, and a clock that is ten minutes behind is forgiven", async () => {
  const day = 86_400_000;
  const at = (ms: number) => check(signed(known.body), [reply(paypals.pem)], {}, Date.parse(time) + ms);
  expect(await at(3 * day)).toEqual({ ok: true });
  expect(await at(4 * day + 1)).toMatchObject({ ok: false, code: "timestamp_too_old" });
  expect(await at(-600_000)).toEqual({ ok: true });
  expect(await at(-600_001)).toMatchObject({ ok: false, code: "timestamp_too_new" });
});

const issued = (name: string, wishes = {}) => certificate(name, { issuer: root, ...wishes });

test.each([
  ["made out to somebody else", issued("api.example.org")],
  ["made out to a name that only looks like PayPal's", issued("notpaypal.com")],
  ["made out to a name with more behind it", issued("api.paypal.com.example.org")],
  ["not valid any more", issued("api.paypal.com", { notAfter: "260301000000Z" })],
  ["not valid yet", issued("api.paypal.com", { notBefore: "260303000000Z" })],
])("a certificate %s signs nothing", async (_, signer) => {
  expect(await check(signed(known.body, signer), [reply(signer.pem)])).toMatchObject({
    ok: false,
    code: "signature_mismatch",
  });
});

test("a file whose certificates did not sign each other is refused", async () => {
  const file = paypals.pem + certificate("Example Root").pem;
  expect(await check(signed(known.body), [reply(file)])).toMatchObject({ ok: false, code: "signature_mismatch" });
});

test.each([
  ["an error", reply("{}", 503)],
  ["a certificate with an error", reply(paypals.pem, 500)],
  ["a page", reply("<html></html>")],
  ["nothing", reply("")],
])("%s in place of the certificate says nothing: the same is asked again", async (_, answer) => {
  const first = asked(await check(signed(known.body), []));
  expect(asked(await check(signed(known.body), [answer]))).toMatchObject({ again: true, ask: first.ask });
});

const app: Known = { options: { webhook_id: webhookId, client_id: "client", client_secret: "word" } };

test("with the app's secret the order is asked for, and only then it counts as verified", async () => {
  const incoming = signed(known.body);
  const token = asked(await check(incoming, [reply(paypals.pem)], app)).ask;
  expect(token).toMatchObject({
    method: "POST",
    url: "https://api-m.sandbox.paypal.com/v1/oauth2/token",
    headers: { authorization: `Basic ${btoa("client:word")}` },
    secret: true,
  });
  const replies = [reply(paypals.pem), reply('{"access_token":"T0KEN"}')];
  const order = asked(await check(incoming, replies, app)).ask;
  expect(order).toMatchObject({
    method: "GET",
    url: "https://api-m.sandbox.paypal.com/v2/checkout/orders/5O190127TN364715T",
    headers: { authorization: "Bearer T0KEN" },
  });
  expect(order.secret).toBeUndefined();
  expect(await check(incoming, [...replies, reply("{}")], app)).toEqual({ ok: true });
  expect(await check(incoming, [...replies, reply("", 404)], app)).toEqual({ ok: true });
  expect(asked(await check(incoming, [...replies, reply("{}", 500)], app))).toMatchObject({ again: true, ask: order });
  expect(asked(await check(incoming, [replies[0] ?? reply(""), reply("{}", 401)], app))).toMatchObject({
    again: true,
    ask: token,
    sentence: expect.stringContaining("client_id"),
  });
});

test("a live connection asks the live API", async () => {
  const incoming = signed(known.body, paypals, { "paypal-cert-url": "https://api.paypal.com/v1/c" });
  const verdict = await check(incoming, [reply(paypals.pem)], { ...app, mode: "live" });
  expect(asked(verdict).ask.url).toBe("https://api-m.paypal.com/v1/oauth2/token");
});

const event = (event_type: string, resource: object) => JSON.stringify({ id: "WH-1", event_type, resource });

test.each([
  [
    "a subscription's sale",
    event("PAYMENT.SALE.COMPLETED", { billing_agreement_id: "I-1" }),
    "/v1/billing/subscriptions/I-1",
  ],
  [
    "an older payment's sale",
    event("PAYMENT.SALE.COMPLETED", { parent_payment: "PAY-1" }),
    "/v1/payments/payment/PAY-1",
  ],
  [
    "an older capture",
    event("PAYMENT.CAPTURE.COMPLETED", {
      links: [{ rel: "up", href: "https://api.paypal.com/v2/checkout/orders/O1" }],
    }),
    "/v2/checkout/orders/O1",
  ],
  [
    "an id that would be a path",
    event("PAYMENT.SALE.COMPLETED", { billing_agreement_id: "../../x?y" }),
    "/v1/billing/subscriptions/..%2F..%2Fx%3Fy",
  ],
])("%s is looked up at its own place", async (_, body, path) => {
  const replies = [reply(paypals.pem), reply('{"access_token":"T"}')];
  expect(asked(await check(signed(body), replies, app)).ask.url).toBe(`https://api-m.sandbox.paypal.com${path}`);
});

test("a message that leaves nothing out is not looked up", async () => {
  const body = event("BILLING.SUBSCRIPTION.CANCELLED", { id: "I-1" });
  expect(await check(signed(body), [reply(paypals.pem)], app)).toEqual({ ok: true });
});

test("a changed byte never verifies, and nothing throws", { timeout: 60_000 }, async () => {
  const incoming = signed(known.body);
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.uint8Array(), async (at, flip, noise) => {
      const body = bytes(known.body);
      body[at % body.length] = (body[at % body.length] ?? 0) ^ flip;
      expect((await check({ ...incoming, body }, [reply(paypals.pem)])).ok).toBe(false);
      expect((await check(incoming, [{ status: 200, body: new Uint8Array(noise) }])).ok).toBe(false);
      expect((await check({ ...incoming, body: new Uint8Array(noise) }, [reply(paypals.pem)])).ok).toBe(false);
    }),
  );
});
