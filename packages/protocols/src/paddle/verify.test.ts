import * as fc from "fast-check";
import { expect, test } from "vitest";
import { adjustment, customer, message, price, subscription, transaction } from "./fixtures/messages.ts";
import { bytes, vector, vectors } from "./fixtures/vectors.ts";
import { sign } from "./sign.ts";
import { toleranceSeconds, verify } from "./verify.ts";

const known = vector("transaction-completed");
const now = known.at * 1000;
const header = known.headers["paddle-signature"] ?? "";

function check(signature: string | null, secrets = [known.secret], body = known.body, at = now) {
  const headers = new Headers(signature === null ? {} : { "Paddle-Signature": signature });
  return verify({ headers, body: bytes(body) }, secrets, at);
}

test("the table of vectors has four rows", () => {
  expect(vectors).toHaveLength(4);
});

test.each(vectors)("$name is valid: $valid", async ({ headers, body, secret, at, valid }) => {
  const verdict = await verify({ headers: new Headers(headers), body: bytes(body) }, [secret], at * 1000);
  expect(verdict).toMatchObject(valid ? { ok: true } : { ok: false, code: "signature_mismatch" });
});

test("a message is signed with exactly the published signature", async () => {
  expect(await sign(bytes(known.body), 1772442930, [known.secret])).toBe(header);
});

test("the header of a change of secrets is verified with the old and with the new secret", async () => {
  const both = await sign(bytes(known.body), known.at, ["pdl_ntfset_old", "pdl_ntfset_new"]);
  expect(both.match(/h1=/g)).toHaveLength(2);
  for (const secret of ["pdl_ntfset_old", "pdl_ntfset_new"])
    expect(await check(both, ["pdl_ntfset_other", secret])).toEqual({ ok: true });
});

test.each([
  [null, "signature_missing"],
  ["", "signature_missing"],
  [header.replace("ts=1772442930;", ""), "timestamp_missing"],
  [header.replace("1772442930", ""), "timestamp_missing"],
  [header.replace("1772442930", "1772442930.0"), "timestamp_malformed"],
  [header.replace("1772442930", "-1"), "timestamp_malformed"],
  [`ts=1772442930;${header}`, "timestamp_malformed"],
  ["ts=1772442930", "signature_malformed"],
  [header.replace("h1=", "h2="), "signature_malformed"],
  [header.toUpperCase().replace("TS=", "ts=").replace("H1=", "h1="), "signature_malformed"],
  [header.slice(0, -1), "signature_malformed"],
  [`${header}${";h1=".concat("0".repeat(64)).repeat(8)}`, "signature_malformed"],
  [header.replace("1772442930", "1772442931"), "signature_mismatch"],
])("the header %j is refused as %s", async (text, code) => {
  expect(await check(text)).toMatchObject({ ok: false, code });
});

test("parts of other names in the header are skipped", async () => {
  expect(await check(`v=2;${header};h9=abc`)).toEqual({ ok: true });
});

test("five minutes of difference are accepted to either side, and not one second more", async () => {
  expect(toleranceSeconds).toBe(300);
  const sent = 1772442930_000;
  expect(await check(header, [known.secret], known.body, sent + 300_999)).toEqual({ ok: true });
  expect(await check(header, [known.secret], known.body, sent + 301_000)).toMatchObject({ code: "timestamp_too_old" });
  expect(await check(header, [known.secret], known.body, sent - 300_000)).toEqual({ ok: true });
  expect(await check(header, [known.secret], known.body, sent - 300_001)).toMatchObject({ code: "timestamp_too_new" });
});

test("without a secret nothing is accepted", async () => {
  for (const secrets of [[], [""]]) expect(await check(header, secrets)).toMatchObject({ code: "secret_missing" });
  await expect(sign(bytes("{}"), 1, [""])).rejects.toThrow("secret_missing");
  await expect(sign(bytes("{}"), 1, [])).rejects.toThrow("secret_missing");
});

const options = { api_key: "pdl_live_apikey" };
const sale = message("transaction.completed", transaction([{ price: price("club"), total: "1900" }]));
const answered = (status: number, text: string) => ({ status, body: bytes(text) });

async function decide(body: Uint8Array<ArrayBuffer>, known?: Parameters<typeof verify>[3]) {
  const headers = new Headers({ "paddle-signature": await sign(body, now / 1000, ["secret"]) });
  return verify({ headers, body }, ["secret"], now, known);
}

test("a sale is undecided until Paddle told who the customer is", async () => {
  const asked = await decide(sale, { options, replies: [] });
  expect(asked).toEqual({
    ok: false,
    code: "undecided",
    sentence: expect.any(String),
    ask: {
      method: "GET",
      url: "https://api.paddle.com/customers/ctm_01kim",
      headers: { authorization: "Bearer pdl_live_apikey", accept: "application/json" },
    },
  });
  expect(await decide(sale, { options, replies: [customer()] })).toEqual({ ok: true });
});

test("a test connection asks the sandbox", async () => {
  expect(await decide(sale, { options, mode: "test" })).toMatchObject({
    ask: { url: "https://sandbox-api.paddle.com/customers/ctm_01kim" },
  });
  expect(await decide(sale, { options, mode: "live" })).toMatchObject({
    ask: { url: "https://api.paddle.com/customers/ctm_01kim" },
  });
});

test("without an API key nothing is asked", async () => {
  for (const known of [undefined, {}, { options: {} }, { options: { api_key: "" } }])
    expect(await decide(sale, known)).toEqual({ ok: true });
});

test("a forged message is refused before anything is asked", async () => {
  const headers = new Headers({ "paddle-signature": await sign(sale, now / 1000, ["another"]) });
  expect(await verify({ headers, body: sale }, ["secret"], now, { options })).toMatchObject({
    code: "signature_mismatch",
  });
});

test.each([
  [401, "{}", /API key/],
  [403, '{"error":{"code":"forbidden"}}', /API key/],
  [429, "slow down", /asked again/],
  [503, "<html>", /asked again/],
  [200, "<html>", /asked again/],
  [200, '{"data":null}', /asked again/],
])("a reply with %i and %s says nothing, and the same is asked again", async (status, text, sentence) => {
  const verdict = await decide(sale, { options, replies: [answered(status, text)] });
  expect(verdict).toMatchObject({
    code: "undecided",
    again: true,
    sentence: expect.stringMatching(sentence),
    ask: { url: "https://api.paddle.com/customers/ctm_01kim" },
  });
  expect(JSON.stringify(verdict && "sentence" in verdict ? verdict.sentence : "")).not.toContain("pdl_live_apikey");
});

test("a customer Paddle does not know any more holds up no message", async () => {
  expect(await decide(sale, { options, replies: [answered(404, "{}")] })).toEqual({ ok: true });
});

test.each([
  ["what says nothing", message("transaction.created", transaction([{ price: price("club"), total: "1900" }]))],
  ["an active subscription", message("subscription.activated", subscription())],
  ["another entity", message("customer.created", { id: "ctm_01kim" })],
  ["a refund of everything", message("adjustment.updated", adjustment())],
  ["an id that is no id", message("transaction.paid", transaction([], { customer_id: "ctm_1/../../x" }))],
  ["no customer", message("transaction.paid", transaction([], { customer_id: null }))],
])("of %s nothing is asked", async (_, body) => {
  expect(await decide(body, { options })).toEqual({ ok: true });
});

test("of a refund of some lines the transaction is asked for", async () => {
  const body = message("adjustment.updated", adjustment({ type: "partial" }));
  expect(await decide(body, { options })).toMatchObject({
    ask: { url: "https://api.paddle.com/transactions/txn_01first" },
  });
  const reply = answered(200, JSON.stringify({ data: transaction([]) }));
  expect(await decide(body, { options, replies: [reply] })).toEqual({ ok: true });
});

test("no refusal repeats the secret, the signature or the body", async () => {
  const refused = await Promise.all([check(header, [known.secret], `${known.body} `), check(known.secret)]);
  for (const verdict of refused) {
    expect(verdict.ok).toBe(false);
    for (const told of [known.secret, header.slice(20), "txn_01"]) expect(JSON.stringify(verdict)).not.toContain(told);
  }
});

test("what is signed is verified, and any changed byte is refused", async () => {
  const secrets = fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 2 });
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1 }), secrets, fc.nat(), async (data, secrets, n) => {
      const body = new Uint8Array(data);
      const headers = new Headers({ "paddle-signature": await sign(body, now / 1000, secrets) });
      for (const secret of secrets) expect(await verify({ headers, body }, [secret], now)).toEqual({ ok: true });
      body[n % body.length] = (body[n % body.length] ?? 0) ^ 1;
      expect(await verify({ headers, body }, secrets, now)).toMatchObject({ code: "signature_mismatch" });
    }),
  );
});

test("any changed character of the signature is refused", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(63), fc.stringMatching(/^[0-9a-fA-Fg ]$/), async (n, letter) => {
      const at = header.length - 1 - n;
      fc.pre(header[at] !== letter);
      expect(await check(header.slice(0, at) + letter + header.slice(at + 1))).toMatchObject({ ok: false });
    }),
  );
});

test("no header, body, secret or reply makes verifying throw", async () => {
  const text = fc.stringMatching(/^[\x20-\x7e]{0,80}$/);
  const headers = fc.oneof(
    text,
    text.map((one) => `ts=${known.at};h1=${one}`),
  );
  const replies = fc.array(
    fc.record({ status: fc.constantFrom(200, 404, 500), body: fc.json().map((one) => bytes(`{"data":${one}}`)) }),
    { maxLength: 2 },
  );
  const bodies = fc.oneof(
    fc.uint8Array().map((data) => new Uint8Array(data)),
    fc.json().map((data) => message("transaction.paid", { id: "txn_1", data: JSON.parse(data) })),
  );
  await fc.assert(
    fc.asyncProperty(headers, bodies, fc.string(), replies, async (one, body, secret, given) => {
      const forged = new Headers({ "paddle-signature": one });
      expect((await verify({ headers: forged, body }, [secret], now, { options })).ok).toBe(false);
      const signed = new Headers({ "paddle-signature": await sign(body, known.at, ["secret"]) });
      const verdict = await verify({ headers: signed, body }, ["secret"], now, { options, replies: given });
      expect(verdict.ok || verdict.code === "undecided").toBe(true);
    }),
  );
});
