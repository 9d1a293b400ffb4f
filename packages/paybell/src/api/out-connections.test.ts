import { generateKeyPairSync } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { beforeEach, describe, expect, test } from "vitest";
import { createAuthority } from "../testing/certificate.ts";
import { connect, loopback, type OutConnection } from "../testing/out-connection.ts";
import { payment } from "../testing/payment.ts";
import { type Receiver, startReceiver } from "../testing/receiver.ts";
import { apiKey, openShop, type Shop } from "../testing/shop.ts";

let shop: Shop;
let receiver: Receiver;

beforeEach(async () => {
  shop = await openShop("2026-03-01T10:00:00", loopback);
  receiver = await startReceiver();
});

const hour = 3_600_000;

type Problem = { status: number; code: string; detail: string; errors?: { path: string; message: string }[] };
type Attempt = { number: number; status: number | null; code: string | null; answer: string | null; total_ms: number };
type Tested = { arrived: boolean; advice: string; event_id: string; delivery_id: string; attempt: Attempt };
type Delivery = { id: string; event_id: string; state: string; held: string | null; type: string; tries: Attempt[] };

async function publish(...payments: Record<string, unknown>[]): Promise<void> {
  await shop.ok("POST", "/v1/payments", { payments });
  await shop.paybell.settle();
}

const shown = (id: string) => shop.ok<OutConnection>("GET", `/v1/connections/${id}`);
const change = (id: string, fields: object) => shop.ok<OutConnection>("PATCH", `/v1/connections/${id}`, fields);
const deliveries = async (query = "") => (await shop.ok<{ data: Delivery[] }>("GET", `/v1/deliveries${query}`)).data;

async function openAlarms(): Promise<string[]> {
  const { data } = await shop.ok<{ data: { kind: string }[] }>("GET", "/v1/alarms?open=true");
  return data.map(({ kind }) => kind);
}

async function refusal(method: string, path: string, body: unknown): Promise<Problem> {
  const { status, json } = await shop.api(method, path, body);
  expect(status).toBeGreaterThanOrEqual(400);
  return json as Problem;
}

describe("an address", () => {
  test("is brought what is published, signed so that an independent library takes it", async () => {
    const { secret } = await connect(shop, receiver);
    await publish(payment());
    const [one] = receiver.received;
    expect(receiver.received).toHaveLength(1);
    // It checks the time against its own clock; the test's stands still.
    const { "webhook-id": id, "webhook-timestamp": timestamp } = one!.headers;
    expect(Number(timestamp)).toBe(shop.now() / 1000);
    const signed = new Webhook(secret!).sign(id!, new Date(Number(timestamp) * 1000), one!.body);
    expect(one!.headers["webhook-signature"]).toBe(signed);
    expect(JSON.parse(one!.body)).toMatchObject({ type: "payment.made", data: { order_id: "A1B2C3D4", test: false } });
  });

  test("shows its settings with what holds by default, and its secret once", async () => {
    const made = await connect(shop, receiver);
    expect(made.secret).toMatch(/^whsec_/);
    const later = await shown(made.id);
    expect(later).toEqual({
      id: made.id,
      url: `${receiver.url}/`,
      direction: "out",
      protocol: "standard-webhooks",
      name: "Shop system",
      mode: "live",
      created_at: "2026-03-01T09:00:00.000Z",
      state: "active",
      paused: false,
      disabled: false,
      disabled_reason: null,
      waiting: 0,
      health: { failures: 0, failing_since: null, next_probe_at: null, last_sent_at: null, last_failure: null },
      secrets: [{ id: expect.any(String) as string, created_at: "2026-03-01T09:00:00.000Z", expires_at: null }],
      events: null,
      products: null,
      amount: null,
      headers: [],
      has_client_certificate: false,
      has_ca: false,
      ordered: false,
      schedule: "standard-webhooks",
      timeout_seconds: 15,
      concurrency: 20,
      rate: null,
      money: null,
      missing: null,
      disable_after_hours: 120,
    });
    expect((await shop.ok<{ data: unknown[] }>("GET", "/v1/connections?direction=out")).data).toEqual([later]);
    expect((await shop.ok<{ data: unknown[] }>("GET", "/v1/connections?direction=in")).data).toEqual([]);
  });

  test("in a format with few words is told of those alone", async () => {
    const copecart = await connect(shop, receiver, { protocol: "copecart", events: ["payment.*", "access.*"] });
    expect(copecart.events).toEqual(expect.arrayContaining(["payment.made", "payment.refunded"]) as string[]);
    expect(copecart.events!.every((type) => type.startsWith("payment."))).toBe(true);
    expect(copecart).toMatchObject({ schedule: "copecart", money: "text", missing: "null" });
    const digistore = await connect(shop, receiver, { protocol: "digistore24" });
    expect(digistore.events).toContain("order.resumed");
    await publish(payment({ type: "payment.dispute_won" }));
    expect(receiver.received).toEqual([]);
  });

  test("gets only the events, products and amounts it asks for", async () => {
    await connect(shop, receiver, {
      events: ["payment.*"],
      products: ["a"],
      amount: { min_minor: 1000, max_minor: 2000, currency: "eur" },
    });
    const of = (order_id: string, product: string, minor: number, currency = "EUR") =>
      payment({ order_id, product: { id: product }, amount: { minor, currency } });
    await publish(
      of("fits", "a", 1000),
      of("other product", "b", 1500),
      of("too little", "a", 999),
      of("too much", "a", 2001),
      of("other currency", "a", 1500, "USD"),
      payment({ order_id: "no amount", product: { id: "a" }, type: "payment.failed", amount: null }),
      payment({ order_id: "other event", product: { id: "a" }, type: "order.cancelled" }),
    );
    expect(
      receiver
        .messages()
        .map((one) => (one as { data: { order_id: string } }).data.order_id)
        .toSorted(),
    ).toEqual(["fits", "no amount"]);
  });

  test("of the test space gets no live events, and the other way round", async () => {
    const live = await startReceiver();
    await connect(shop, receiver, { mode: "test" });
    await connect(shop, live);
    await shop.ok("POST", "/v1/payments?mode=test", payment({ order_id: "test" }));
    await publish(payment({ order_id: "live" }));
    expect(receiver.messages()).toMatchObject([{ data: { order_id: "test", test: true } }]);
    expect(live.messages()).toMatchObject([{ data: { order_id: "live" } }]);
  });

  test("is sent its own headers, whose values nobody is shown", async () => {
    const made = await connect(shop, receiver, { headers: { "X-Token": "opens-doors", "User-Agent": "Mine" } });
    await publish(payment());
    expect(receiver.received[0]!.headers).toMatchObject({ "x-token": "opens-doors", "user-agent": "Mine" });
    expect(made.headers).toEqual(["x-token", "user-agent"]);
    expect(JSON.stringify([made, await shown(made.id)])).not.toContain("opens-doors");
  });

  test("that asks for a client certificate gets it", async () => {
    const authority = createAuthority();
    const server = await startReceiver({
      tls: { ...authority.issue(["localhost"]), ca: authority.cert, requestCert: true, rejectUnauthorized: true },
    });
    const without = await connect(shop, server, { name: "without" });
    const own = authority.issue(["client.example.com"]);
    const made = await connect(shop, server, { tls: { ...own, ca: authority.cert } });
    expect(made).toMatchObject({ has_client_certificate: true, has_ca: true });
    expect(JSON.stringify(await shown(made.id))).not.toContain("PRIVATE KEY");
    await publish(payment());
    expect(server.received).toHaveLength(1);
    expect((await shown(without.id)).health.last_failure).toMatchObject({ code: "tls_failed" });
    expect(
      await refusal("PATCH", `/v1/connections/${made.id}`, { tls: { cert: own.cert, key: authority.key } }),
    ).toMatchObject({ code: "tls_invalid", errors: [{ path: "tls.key" }] });
  });
});

test("an address whose certificate an authority of its own signed is trusted by that authority alone", async () => {
  const [authority, other] = [createAuthority(), createAuthority()];
  const server = await startReceiver({ tls: authority.issue(["localhost"]) });
  const trusted = await connect(shop, server, { tls: { ca: authority.cert } });
  expect(trusted).toMatchObject({ has_client_certificate: false, has_ca: true });
  const untrusted = await connect(shop, server, { tls: { ca: other.cert } });
  await publish(payment());
  expect(server.received).toHaveLength(1);
  expect((await shown(trusted.id)).health.last_failure).toBeNull();
  expect((await shown(untrusted.id)).health.last_failure).toMatchObject({ code: "tls_failed" });
});

describe("changing a connection", () => {
  test("changes what is named, and null takes a field back to its default", async () => {
    const { id } = await connect(shop, receiver, {
      rate: 5,
      products: ["a"],
      events: ["payment.*"],
      headers: { "x-a": "1" },
    });
    expect(await change(id, { name: "Renamed", concurrency: 3 })).toMatchObject({
      name: "Renamed",
      concurrency: 3,
      rate: 5,
      products: ["a"],
      events: ["payment.*"],
      headers: ["x-a"],
    });
    const reset = { rate: null, products: null, events: null, headers: null, concurrency: null };
    expect(await change(id, reset)).toMatchObject({
      rate: null,
      products: null,
      events: null,
      headers: [],
      concurrency: 20,
    });
    expect(await refusal("PATCH", `/v1/connections/${id}`, { url: "https://127.0.0.1:x/" })).toMatchObject({
      code: "url_invalid",
    });
  });

  test("the next delivery goes to the new address, and what failed at the old one too", async () => {
    receiver.answer(() => ({ status: 500 }));
    const { id } = await connect(shop, receiver);
    await publish(payment({ order_id: "first" }));
    expect(await shown(id)).toMatchObject({ state: "failing", waiting: 1, health: { failures: 1 } });
    const moved = await startReceiver();
    expect(await change(id, { url: moved.url })).toMatchObject({ state: "active", health: { failures: 0 } });
    await publish(payment({ order_id: "second" }));
    expect(moved.received).toHaveLength(2);
  });

  test("an incoming connection has no address to change, and one keeps its shape", async () => {
    const made = await shop.ok<{ id: string; url: string }>("POST", "/v1/connections", {
      protocol: "copecart",
      name: "In",
    });
    expect(made.url).toContain("/in/");
    expect(await refusal("PATCH", `/v1/connections/${made.id}`, { paused: true })).toMatchObject({ status: 422 });
    for (const path of ["", "/test", "/recover"])
      expect(
        await refusal(path === "" ? "DELETE" : "POST", `/v1/connections/${made.id}${path}`, { since: "2026-01-01" }),
      ).toMatchObject({ status: 409, code: "not_outgoing" });
    expect(await change(made.id, { disabled: true })).toMatchObject({ disabled: true, last_received_at: null });
  });
});

describe("a paused or disabled connection", () => {
  test.each(["paused", "disabled"] as const)("%s: what is due is held, and sent when it is on again", async (off) => {
    const { id } = await connect(shop, receiver);
    expect(await change(id, { [off]: true })).toMatchObject({ [off]: true, state: off });
    await publish(payment({ order_id: "a" }), payment({ order_id: "b" }));
    expect(receiver.received).toEqual([]);
    expect(await shown(id)).toMatchObject({ waiting: 2, disabled_reason: off === "disabled" ? "operator" : null });
    expect((await deliveries()).map(({ state, held }) => [state, held])).toEqual([
      ["due", off],
      ["due", off],
    ]);
    expect(await change(id, { [off]: false })).toMatchObject({ [off]: false, state: "active", disabled_reason: null });
    await shop.paybell.settle();
    expect(receiver.received).toHaveLength(2);
    expect(await shown(id)).toMatchObject({ waiting: 0, health: { last_sent_at: "2026-03-01T09:00:00.000Z" } });
  });

  test("410 disables it at once, and switching it on again brings what was held, at once and unpunished", async () => {
    const { id } = await connect(shop, receiver, { events: ["payment.*"] });
    receiver.answer(() => ({ status: 410 }));
    await publish(payment({ order_id: "a" }));
    await publish(payment({ order_id: "b" }));
    expect(receiver.received).toHaveLength(1);
    expect(await shown(id)).toMatchObject({ state: "disabled", disabled_reason: "gone", waiting: 2 });
    expect(await openAlarms()).toEqual(["address_disabled"]);
    receiver.answer(() => ({}));
    expect(await change(id, { disabled: false })).toMatchObject({ state: "active", health: { failing_since: null } });
    await shop.paybell.settle();
    expect(receiver.received).toHaveLength(3);
    expect(await openAlarms()).toEqual([]);
  });

  test("after too many failures it waits, says until when, and goes on by itself when the address is well", async () => {
    receiver.answer(() => ({ status: 503, body: "later" }));
    const { id } = await connect(shop, receiver, { concurrency: 1 });
    await publish(...Array.from({ length: 8 }, (_, n) => payment({ order_id: `o${n}` })));
    const tries = receiver.received.length;
    expect(tries).toBeLessThan(8);
    const failing = await shown(id);
    expect(failing).toMatchObject({
      state: "failing",
      waiting: 8,
      health: {
        failures: tries,
        failing_since: "2026-03-01T09:00:00.000Z",
        last_failure: { at: "2026-03-01T09:00:00.000Z", code: "refused", status: 503 },
      },
    });
    expect(Date.parse(failing.health.next_probe_at!)).toBeGreaterThan(shop.now());
    expect(new Set((await deliveries()).map(({ held }) => held))).toEqual(new Set(["failing"]));
    receiver.answer(() => ({}));
    await shop.at(shop.now() + hour);
    expect(await shown(id)).toMatchObject({ state: "active", waiting: 0, health: { failures: 0 } });
    expect(receiver.received).toHaveLength(tries + 8);
  });
});

describe("secrets", () => {
  const signatures = () => receiver.received.at(-1)!.headers["webhook-signature"]!.split(" ");

  test("are rotated with an overlap in which both sign, and the old one ends", async () => {
    const { id, secret: first } = await connect(shop, receiver);
    const rotated = await shop.ok<OutConnection>("POST", `/v1/connections/${id}/secrets`, {});
    expect(rotated.secret).toMatch(/^whsec_/);
    expect(new Set(rotated.secrets.map(({ expires_at }) => expires_at))).toEqual(
      new Set(["2026-03-02T09:00:00.000Z", null]),
    );
    await publish(payment({ order_id: "a" }));
    expect(signatures()).toHaveLength(2);
    expect(signatures()).toContain(signed(first!));
    await shop.at(shop.now() + 25 * hour);
    await publish(payment({ order_id: "b" }));
    expect(signatures()).toEqual([signed(rotated.secret!)]);
  });

  function signed(secret: string): string {
    const { headers, body } = receiver.received.at(-1)!;
    return new Webhook(secret).sign(
      headers["webhook-id"]!,
      new Date(Number(headers["webhook-timestamp"]) * 1000),
      body,
    );
  }

  test("are made useless one by one, but never the last", async () => {
    const { id, secrets } = await connect(shop, receiver);
    const rotated = await shop.ok<OutConnection>("POST", `/v1/connections/${id}/secrets`, {});
    await shop.ok("DELETE", `/v1/connections/${id}/secrets/${secrets[0]!.id}`);
    await publish(payment());
    expect(signatures()).toEqual([signed(rotated.secret!)]);
    const last = (await shown(id)).secrets[0]!.id;
    expect(await refusal("DELETE", `/v1/connections/${id}/secrets/${last}`, undefined)).toMatchObject({
      code: "last_secret",
    });
  });

  test("deleted all at once leave one", async () => {
    const { id } = await connect(shop, receiver);
    for (let n = 0; n < 5; n++) await shop.ok("POST", `/v1/connections/${id}/secrets`, {});
    const { secrets } = await shown(id);
    const answers = await Promise.all(
      secrets.map((secret) => shop.api("DELETE", `/v1/connections/${id}/secrets/${secret.id}`)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    expect((await shown(id)).secrets).toHaveLength(1);
  });

  test("an Ed25519 key shows its public half, and it alone", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const raw = (jwk: string) => Buffer.from(jwk, "base64url");
    const seed = raw(privateKey.export({ format: "jwk" }).d!);
    const half = raw(publicKey.export({ format: "jwk" }).x!).toString("base64");
    const key = `whsk_${seed.toString("base64")}`;
    const made = await connect(shop, receiver, { secrets: [key] });
    expect(made.secrets).toMatchObject([{ public_key: `whpk_${half}` }]);
    expect(JSON.stringify(made)).not.toContain(key);
    await publish(payment());
    expect(signatures()[0]).toMatch(/^v1a,/);
  });

  test("of other formats are of their kind", async () => {
    const { id, secret } = await connect(shop, receiver, { protocol: "digistore24" });
    expect(secret).not.toMatch(/^whsec_/);
    const { secret: next } = await shop.ok<OutConnection>("POST", `/v1/connections/${id}/secrets`, {});
    expect(next).not.toMatch(/^whsec_/);
    expect(await refusal("POST", `/v1/connections/${id}/secrets`, { secret: "x".repeat(64) })).toMatchObject({
      code: "secret_unfit",
      errors: [{ path: "secret" }],
    });
  });
});

describe("the test event", () => {
  test.each([
    ["standard-webhooks", /endpoint\.test/],
    ["copecart", /TestOrdr/],
    ["digistore24", /event=/],
  ])("of %s is sent at once to this connection alone, and kept with its attempt", async (protocol, body) => {
    const other = await startReceiver();
    await connect(shop, other);
    const { id } = await connect(shop, receiver, { protocol });
    await change(id, { paused: true });
    const sent = await shop.ok<Tested>("POST", `/v1/connections/${id}/test`, {});
    expect(sent).toMatchObject({ arrived: true, attempt: { number: 1, status: 200, code: null, answer: "OK" } });
    expect(receiver.received.map((one) => one.body)).toEqual([expect.stringMatching(body)]);
    expect(await shop.ok("GET", `/v1/deliveries/${sent.delivery_id}`)).toMatchObject({
      state: "sent",
      event_id: sent.event_id,
      connection_id: id,
      tries: [{ status: 200 }],
    });
    expect(await shop.ok("GET", `/v1/events/${sent.event_id}`)).toMatchObject({ type: "endpoint.test" });
    await shop.ok("POST", `/v1/connections/${id}/recover`, { since: "2026-01-01", what: "all" });
    await shop.paybell.settle();
    expect(other.received).toEqual([]);
    expect(receiver.received).toHaveLength(1);
  });

  test.each([
    ["refused", { status: 500 }, /log/],
    ["refused", { status: 401 }, /secret/],
    ["refused", { status: 404 }, /path/],
    ["redirected", { status: 302, headers: { location: "/" } }, /leads to/],
    ["gone", { status: 410 }, /nothing any more/],
    ["connection_lost", "break", /broke/],
  ] as const)("that fails (%s) says what to do, is not repeated, and disables nothing", async (code, reply, advice) => {
    receiver.answer(() => reply);
    const { id } = await connect(shop, receiver);
    const sent = await shop.ok<Tested>("POST", `/v1/connections/${id}/test`, {});
    expect(sent).toMatchObject({ arrived: false, advice: expect.stringMatching(advice) as string, attempt: { code } });
    const tries = receiver.received.length;
    await shop.at(shop.now() + 24 * hour);
    expect(receiver.received).toHaveLength(tries);
    expect(await shown(id)).toMatchObject({ state: "active", waiting: 0 });
    expect(await deliveries()).toMatchObject([{ state: "failed" }]);
    expect(await refusal("POST", `/v1/deliveries/${sent.delivery_id}/retry`, {})).toMatchObject({
      code: "not_retried",
    });
    expect(await refusal("POST", `/v1/events/${sent.event_id}/replay`, {})).toMatchObject({ code: "not_replayable" });
  });

  test("of CopeCart's format that is not answered OK says that the body must be", async () => {
    receiver.answer(() => ({ body: "thanks" }));
    const { id } = await connect(shop, receiver, { protocol: "copecart" });
    expect(await shop.ok<Tested>("POST", `/v1/connections/${id}/test`, {})).toMatchObject({
      arrived: false,
      advice: expect.stringContaining("body OK") as string,
      attempt: { code: "answer_unexpected", status: 200, answer: "thanks" },
    });
    expect(receiver.received[0]!.headers["user-agent"]).toBe("Copecart");
  });
});

describe("a removed connection", () => {
  test("is gone from the lists, gets nothing more, and what was sent there stays readable", async () => {
    const { id } = await connect(shop, receiver);
    await publish(payment({ order_id: "sent" }));
    await change(id, { paused: true });
    shop.set("2026-03-01T11:00:00");
    await publish(payment({ order_id: "waiting" }));
    const removed = await shop.ok<{ job_id: string }>("DELETE", `/v1/connections/${id}`);
    await shop.paybell.settle();
    await publish(payment({ order_id: "after" }));
    expect((await shop.ok<{ data: unknown[] }>("GET", "/v1/connections")).data).toEqual([]);
    for (const [method, path] of [
      ["GET", ""],
      ["PATCH", ""],
      ["DELETE", ""],
      ["POST", "/test"],
      ["POST", "/secrets"],
    ] as const)
      expect(await refusal(method, `/v1/connections/${id}${path}`, method === "GET" ? undefined : {})).toMatchObject({
        status: 404,
      });
    expect(receiver.received).toHaveLength(1);
    const kept = await deliveries(`?connection_id=${id}`);
    expect(kept.map(({ state }) => state)).toEqual(["dropped", "sent"]);
    expect(await shop.ok("GET", `/v1/jobs/${removed.job_id}`)).toMatchObject({ kind: "drop", state: "done", done: 1 });
    expect(await refusal("POST", `/v1/deliveries/${kept[0]!.id}/retry`, {})).toMatchObject({
      code: "connection_removed",
    });
  });
});

test("a reading key sees no secret, no header's value and no certificate, and changes nothing", async () => {
  const { id } = await connect(shop, receiver, { headers: { "x-token": "opens-doors" } });
  const { key } = await shop.ok<{ key: string }>("POST", "/v1/keys", { name: "r", scope: "read" });
  const { json } = await shop.api("GET", `/v1/connections/${id}`, undefined, key);
  expect(JSON.stringify(json)).not.toMatch(/whsec_|opens-doors|PRIVATE/);
  for (const [method, path] of [
    ["POST", `/v1/connections/${id}/test`],
    ["PATCH", `/v1/connections/${id}`],
    ["DELETE", `/v1/connections/${id}`],
  ] as const)
    expect((await shop.api(method, path, {}, key)).status).toBe(403);
  expect(apiKey).not.toBe(key);
});

test("a running server takes a change of an address it is sending to", async () => {
  await shop.paybell.start();
  const { id } = await connect(shop, receiver);
  await shop.ok("POST", "/v1/payments", payment({ order_id: "before" }));
  await receiver.arrived(1);
  const moved = await startReceiver();
  await change(id, { url: moved.url });
  // What is sent in the same moment may still go where it did.
  for (let n = 0; moved.received.length === 0; n++) {
    await shop.ok("POST", "/v1/payments", payment({ order_id: `o${n}` }));
    await shop.paybell.settle();
  }
  const known = receiver.received.length;
  await shop.ok("POST", "/v1/payments", payment({ order_id: "after" }));
  await moved.arrived(2);
  expect(receiver.received).toHaveLength(known);
});

describe("what was misspelt", () => {
  test.each([
    [{ shedule: "copecart" }, "shedule"],
    [{ product: ["p"] }, "product"],
  ])("%j is refused by its name", async (extra, name) => {
    const shop = await openShop("2026-03-01T10:00:00", { ...loopback, newConnection: false });
    const body = { direction: "out", protocol: "standard-webhooks", name: "x", url: "http://127.0.0.1:1/", ...extra };
    const { status, json } = await shop.api("POST", "/v1/connections", body);
    expect([status, (json as { errors: { path: string }[] }).errors[0]!.path]).toEqual([422, name]);
  });

  test("an event type that does not exist is refused, and so is a change of what cannot be changed", async () => {
    const shop = await openShop("2026-03-01T10:00:00", { ...loopback, newConnection: false });
    const body = { direction: "out", protocol: "standard-webhooks", name: "x", url: "http://127.0.0.1:1/" };
    expect((await shop.api("POST", "/v1/connections", { ...body, events: ["payment.mad"] })).status).toBe(422);
    const { id } = await shop.ok<{ id: string }>("POST", "/v1/connections", body);
    expect((await shop.api("PATCH", `/v1/connections/${id}`, { mode: "test" })).status).toBe(422);
  });

  test("a connection that signs with an Ed25519 key is given another of its kind", async () => {
    const shop = await openShop("2026-03-01T10:00:00", { ...loopback, newConnection: false });
    const secret = `whsk_${Buffer.alloc(32, 9).toString("base64")}`;
    const body = { direction: "out", protocol: "standard-webhooks", name: "x", url: "http://127.0.0.1:1/" };
    const { id } = await shop.ok<{ id: string }>("POST", "/v1/connections", { ...body, secrets: [secret] });
    const rotated = await shop.ok<{ secret: string }>("POST", `/v1/connections/${id}/secrets`, {});
    expect(rotated.secret).toMatch(/^whsk_/);
    expect(rotated.secret).not.toBe(secret);
  });
});
