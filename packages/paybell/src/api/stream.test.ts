import type { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formats } from "@paybell/protocols/formats";
import { verify } from "@paybell/protocols/standard-webhooks/verify";
import { readEventStream, type StreamMessage } from "../cli/event-stream.ts";
import { listen, type Listening } from "../cli/server.ts";
import { createSeal } from "../db/seal.ts";
import { sealedAddressFor } from "../domain/address.ts";
import { newId } from "../domain/id.ts";
import { createFeed } from "../send/feed.ts";
import { beforeAll as beginning, readFeed } from "../send/feed-rows.ts";
import { emptyDatabase } from "../testing/database.ts";
import { payment } from "../testing/payment.ts";
import { apiKey, openShop, type Shop } from "../testing/shop.ts";
import { type Source, streamBody } from "./stream-body.ts";

/* Over real HTTP, on two nodes of one store. */

let pool: Pool;
let one: Shop;
let two: Shop;
let server: Listening;
let accountId: string;

beforeAll(async () => {
  const store = await emptyDatabase();
  const { connection } = store;
  pool = store.pool;
  const database =
    typeof connection === "string"
      ? connection
      : `postgres://${connection.user}@localhost/${connection.database}?host=${encodeURIComponent(connection.host)}`;
  one = await openShop("2026-03-01T10:00:00", { database, newConnection: false });
  two = await openShop("2026-03-01T10:00:00", { database, newConnection: false });
  server = await listen(one.paybell, { host: "127.0.0.1", port: 0 }, limits);
  accountId = (await one.ok<{ id: string }>("GET", "/v1/account")).id;
});

afterAll(async () => {
  one.paybell.endStreams();
  await server.close();
});

/** Clients open connections ahead and leave them without a request, which only the end of the grace closes. */
const limits = { headersMs: 5_000, requestMs: 5_000, keepAliveMs: 5_000, headerBytes: 16_384, graceMs: 100 };

type Stream = {
  readonly response: Response;
  /** the next message */
  next(): Promise<StreamMessage>;
  leave(): void;
};

async function open(query = "", { key = apiKey, lastId = "", url = server.url } = {}): Promise<Stream> {
  const leaving = new AbortController();
  const response = await fetch(`${url}/v1/stream${query}`, {
    headers: { authorization: `Bearer ${key}`, ...(lastId && { "last-event-id": lastId }) },
    signal: leaving.signal,
  });
  const parts = response.ok ? readEventStream(response.body!) : undefined;
  const next = async () => {
    for (;;) {
      const { value, done } = await parts!.next();
      if (done) throw new Error("The stream ended.");
      if ("data" in value) return value;
    }
  };
  return { response, next, leave: () => leaving.abort() };
}

async function take(stream: Stream, count: number): Promise<StreamMessage[]> {
  const messages: StreamMessage[] = [];
  while (messages.length < count) messages.push(await stream.next());
  return messages;
}

let sequence = 0;

/** @returns the event's id */
async function publish(shop: Shop, fields: Readonly<Record<string, unknown>> = {}, query = ""): Promise<string> {
  const order = { order_id: `ORDER${String(++sequence).padStart(4, "0")}`, transaction_id: `t-${sequence}` };
  return (await shop.ok<{ id: string }>("POST", `/v1/payments${query}`, payment({ ...order, ...fields }))).id;
}

/** in the order in which they became known */
async function allIds(after: string): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select id from event where account_id = $1 and mode = 'live'
       and (txid, id) > (select txid, id from event where account_id = $1 and id = $2) order by txid, id`,
    [accountId, after],
  );
  return rows.map(({ id }) => id);
}

describe("the feed", () => {
  test("brings what comes from now on, as it stands in the list of events", async () => {
    await publish(one);
    const stream = await open();
    expect(stream.response.headers.get("content-type")).toBe("text/event-stream");
    const id = await publish(one, { type: "payment.refunded", parent_transaction_id: "t-1" });
    const message = await stream.next();
    const { data } = await one.ok<{ data: unknown[] }>("GET", "/v1/events?limit=1");
    expect([message.id, message.event, JSON.parse(message.data)]).toEqual([id, "payment.refunded", data[0]]);
    stream.leave();
  });

  test("brings what another node announces", async () => {
    const stream = await open();
    const id = await publish(two);
    expect((await stream.next()).id).toBe(id);
    stream.leave();
  });

  test("shows the types that were asked for, by name or by family", async () => {
    const stream = await open("?type=order.*,payment.refunded");
    await publish(one);
    const refunded = await publish(one, { type: "payment.refunded", parent_transaction_id: "t-1" });
    const cancelled = await publish(one, { type: "order.cancelled", amount: null, transaction_id: null });
    expect((await take(stream, 2)).map(({ id }) => id)).toEqual([refunded, cancelled]);
    stream.leave();
  });

  test("shows one mode and one account alone", async () => {
    const other = await one.ok<{ id: string }>("POST", "/v1/accounts", { name: "Other" });
    const headers = { authorization: `Bearer ${apiKey}`, "paybell-account": other.id };
    const theirs = await fetch(`${server.url}/v1/stream?after=start`, { headers });
    const test = await open("?mode=test");
    const live = await open();
    const ids = { test: await publish(one, {}, "?mode=test"), live: await publish(one) };
    expect((await test.next()).id).toBe(ids.test);
    expect((await live.next()).id).toBe(ids.live);
    const first = new TextDecoder().decode((await theirs.body!.getReader().read()).value);
    expect(first).not.toContain("data:");
    for (const stream of [test, live]) stream.leave();
  });

  test("begins at an instant, at the beginning, or behind an event", async () => {
    const ids = [await publish(one), await publish(one)];
    const all = await open("?after=start");
    const seen: string[] = [];
    while (seen.at(-1) !== ids[1]) seen.push((await all.next()).id);
    expect(new Set(seen).size).toBe(seen.length);
    const behind = await open(`?after=${ids[0]}`);
    expect((await behind.next()).id).toBe(ids[1]);
    // The clock of the tests stands still: everything was made in this one second.
    const since = await open("?since=2026-03-01T10:00:00%2B01:00");
    expect((await since.next()).id).toBe(seen[0]);
    const forgotten = await open("", { lastId: "019c0000-0000-7000-8000-000000000000" });
    expect((await forgotten.next()).id).toBe(seen[0]);
    const later = await open("?since=2026-03-02");
    const next = await publish(one);
    expect((await later.next()).id).toBe(next);
    for (const stream of [all, behind, since, forgotten, later]) stream.leave();
  });

  test("that was cut again and again while two nodes publish shows every event once, in order", async () => {
    const start = await publish(one);
    const count = 120;
    const published = Promise.all(
      [one, two, one, two].map(async (shop) => {
        for (let n = 0; n < count / 4; n++) await publish(shop);
      }),
    );
    const seen: string[] = [];
    for (let round = 0; seen.length < count; round++) {
      const stream = await open("", { lastId: seen.at(-1) ?? start });
      const wanted = Math.min(1 + ((round * 7) % 11), count - seen.length);
      seen.push(...(await take(stream, wanted)).map(({ id }) => id));
      stream.leave();
    }
    await published;
    expect(seen).toEqual(await allIds(start));
  });

  test("waits for a transaction that began before and is not committed yet", async () => {
    const before = await publish(one);
    const [at] = (await pool.query<{ txid: string; id: string }>("select txid, id from event where id = $1", [before]))
      .rows;
    const from = { accountId, mode: "live" as const, types: null, connectionId: null };
    const slow = await pool.connect();
    await slow.query("begin");
    const early = newId(one.now());
    await slow.query(
      `insert into event (account_id, id, expires_at, mode, type, at, data)
       select account_id, $2, expires_at, mode, type, at, data from event where account_id = $1 and id = $3`,
      [accountId, early, before],
    );
    const late = await publish(one);
    expect(await readFeed(pool, { ...from, after: at! })).toMatchObject({ events: [], held: true, position: at });
    const stream = await open("", { lastId: before });
    await slow.query("commit");
    slow.release();
    expect((await take(stream, 2)).map(({ id }) => id)).toEqual([early, late]);
    stream.leave();
  });

  test("tells a reader who has seen nothing yet where to go on", async () => {
    const newest = await publish(one);
    const response = await fetch(`${server.url}/v1/stream`, { headers: { authorization: `Bearer ${apiKey}` } });
    const reader = response.body!.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toContain(`id: ${newest}\n\n`);
    await reader.cancel();
  });
});

describe("what is refused", () => {
  test.each([
    ["an id that is none", "?after=12", 422, "invalid_request"],
    ["an instant that is none", "?since=yesterday", 422, "invalid_request"],
    ["a connection there is not", "?connection=01890000-0000-7000-8000-000000000000", 404, "not_found"],
  ])("%s", async (_, query, status, code) => {
    const { response } = await open(query);
    expect([response.status, await response.json()]).toEqual([status, expect.objectContaining({ code })]);
  });

  test("a connection's feed, to a key that may only read", async () => {
    const { key } = await one.ok<{ key: string }>("POST", "/v1/keys", { name: "r", scope: "read" });
    const { response } = await open("?connection=01890000-0000-7000-8000-000000000000", { key });
    expect([response.status, await response.json()]).toEqual([403, expect.objectContaining({ code: "scope_missing" })]);
  });

  test("one feed more than an account may have, until one of them is left", async () => {
    const { id } = await one.ok<{ id: string }>("POST", "/v1/accounts", { name: "Crowded" });
    const headers = { authorization: `Bearer ${apiKey}`, "paybell-account": id };
    const made = await fetch(`${server.url}/v1/keys`, {
      method: "POST",
      body: JSON.stringify({ name: "reader", scope: "read" }),
      headers: { ...headers, "content-type": "application/json" },
    });
    const { key } = (await made.json()) as { key: string };
    const streams = await Promise.all(Array.from({ length: 20 }, () => open("", { key })));
    expect(streams.map(({ response }) => response.status)).toEqual(streams.map(() => 200));
    const refused = await open("", { key });
    expect([refused.response.status, await refused.response.json()]).toEqual([
      429,
      expect.objectContaining({ code: "too_many_streams" }),
    ]);
    const head = await fetch(`${server.url}/v1/stream`, {
      method: "HEAD",
      headers: { authorization: `Bearer ${key}` },
    });
    expect(head.status).toBe(200);
    streams[0]?.leave();
    let again: Stream;
    do again = await open("", { key });
    while (again.response.status === 429);
    expect(again.response.status).toBe(200);
    for (const stream of [...streams, again]) stream.leave();
  });
});

describe("a connection's feed", () => {
  const seal = createSeal(Buffer.alloc(32, 7));
  const secrets = [
    `whsec_${Buffer.alloc(32, 1).toString("base64")}`,
    `whsec_${Buffer.alloc(32, 2).toString("base64")}`,
  ];

  /** An outgoing connection as the API writes it, to an address nobody listens at. */
  async function connect(format: string, given: readonly string[], types: readonly string[] | null): Promise<string> {
    const id = newId(one.now());
    const at = new Date(one.now());
    const address = seal.seal(
      JSON.stringify({ url: "https://127.0.0.1:1/", headers: { "x-shop": "a" } }),
      sealedAddressFor(id),
    );
    await pool.query(
      `insert into connection (account_id, id, direction, protocol, provider_account, name, mode, created_at)
       values ($1, $2, 'out', $3, 'own', 'Mine', 'live', $4)`,
      [accountId, id, format, at],
    );
    await pool.query(
      `insert into address (account_id, id, mode, format, sealed, types, ordered, options, updated_at)
       values ($1, $2, 'live', $3, $4, $5, false, '{}', $6)`,
      [accountId, id, format, address, types, at],
    );
    await pool.query("insert into lane (account_id, id, transport, paused_at) values ($1, $2, 'http', $3)", [
      accountId,
      id,
      at,
    ]);
    for (const secret of given) {
      const secretId = newId(one.now());
      await pool.query(
        "insert into connection_secret (account_id, connection_id, id, sealed, created_at) values ($1, $2, $3, $4, $5)",
        [accountId, id, secretId, seal.seal(secret, `secret:${secretId}`), at],
      );
    }
    return id;
  }

  test("brings what passes its filters, signed with each of its secrets, and leaves its deliveries alone", async () => {
    const id = await connect("standard-webhooks", secrets, ["payment.refunded"]);
    const stream = await open(`?connection=${id}`);
    await publish(one);
    const event = await publish(one, { type: "payment.refunded", parent_transaction_id: "t-1" });
    const message = await stream.next();
    expect([message.id, message.event]).toEqual([event, "payment.refunded"]);
    const { headers, body } = JSON.parse(message.data) as { headers: Record<string, string>; body: string };
    expect(headers).toMatchObject({ "webhook-id": event });
    expect(headers).not.toHaveProperty("x-shop"); // its value is shown to nobody
    for (const secret of secrets) {
      const incoming = { headers: new Headers(headers), body: new TextEncoder().encode(body) };
      expect(await verify(incoming, [secret], one.now())).toEqual({ ok: true });
    }
    const { rows } = await pool.query(
      "select state, attempts, last_sent_at from delivery d join lane l on l.id = d.lane_id where d.lane_id = $1",
      [id],
    );
    expect(rows).toEqual([{ state: "due", attempts: 0, last_sent_at: null }]);
    stream.leave();
  });

  test("leaves out what its format has no words for, and says why another event could not be sent", async () => {
    const id = await connect("copecart", [], null);
    const mute = await open(`?connection=${id}`);
    await publish(one);
    expect(JSON.parse((await mute.next()).data)).toMatchObject({ fault: { code: "secret_missing" } });
    mute.leave();
    const secret = formats.get("copecart")!.newSecret(Buffer.alloc(32, 3));
    const speaking = await open(`?connection=${await connect("copecart", [secret], null)}`);
    await publish(one, { type: "payment.dispute_won" });
    const made = await publish(one);
    const message = await speaking.next();
    expect(message.id).toBe(made);
    expect(JSON.parse(message.data)).toMatchObject({
      headers: { "X-Copecart-Signature": expect.any(String) as string },
    });
    speaking.leave();
  });

  test("ends when the connection is removed", async () => {
    const id = await connect("standard-webhooks", secrets, null);
    const stream = await open(`?connection=${id}`);
    await pool.query("update connection set removed_at = $2 where id = $1", [id, new Date(one.now())]);
    await publish(one);
    await expect(stream.next()).rejects.toThrow("The stream ended.");
  });
});

describe("a feed's end", () => {
  function source(fields: Partial<Source> = {}) {
    let say: () => void;
    const ended = new Promise<void>((resolve) => {
      say = resolve;
    });
    const nothing = { text: "", position: beginning, more: false, held: false };
    const made: Source = {
      accountId,
      mode: "live",
      from: beginning,
      greeting: "retry: 1000\n\n",
      read: async () => nothing,
      allowed: async () => true,
      ended: () => say(),
      ...fields,
    };
    return { made, ended };
  }

  const log = { error: (fault: unknown) => expect.fail(JSON.stringify(fault)) };

  async function textOf(body: ReadableStream<Uint8Array>): Promise<string> {
    return new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>).text();
  }

  test("comes when its key is revoked, and until then a comment comes at every beat", async () => {
    const asked = [true, true, false];
    const { made, ended } = source({ allowed: async () => asked.shift() ?? false });
    const text = await textOf(streamBody(createFeed(pool), made, log, 10));
    await ended;
    expect(text).toMatch(/^retry: 1000\n\n(:\n\n)+: The API key was revoked\.\n\n$/);
  });

  test("comes for a reader who takes nothing", async () => {
    const endless = async () => ({ text: "data: x\n\n", position: beginning, more: true, held: false });
    const { made, ended } = source({ read: endless });
    const reader = streamBody(createFeed(pool), made, log, 10).getReader();
    await reader.read();
    await ended;
    await expect(reader.read()).rejects.toThrow("its reader took nothing");
  });

  test("comes in good order when the server stops, which waits for none", async () => {
    const shop = await openShop("2026-03-01T10:00:00", { newConnection: false });
    const stopping = await listen(shop.paybell, { host: "127.0.0.1", port: 0 });
    const stream = await open("", { url: stopping.url });
    const reading = stream.next();
    shop.paybell.endStreams();
    await expect(reading).rejects.toThrow("The stream ended.");
    const refused = await open("", { url: stopping.url });
    expect([refused.response.status, await refused.response.json()]).toEqual([
      503,
      expect.objectContaining({ code: "stopping" }),
    ]);
    await stopping.close();
  });

  test("asks the store for nothing before its reader takes what was read", async () => {
    let reads = 0;
    const read = async () => {
      reads++;
      return { text: "data: x\n\n", position: beginning, more: true, held: false };
    };
    const { made } = source({ read });
    const feed = createFeed(pool);
    const reader = streamBody(feed, made, log).getReader();
    for (let n = 0; n < 3; n++) await reader.read();
    feed.ring([accountId]);
    await new Promise(setImmediate);
    expect(reads).toBe(2);
    await reader.cancel();
  });
});
