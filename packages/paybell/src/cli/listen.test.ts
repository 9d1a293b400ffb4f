import { formats } from "@paybell/protocols/formats";
import { verify as verifyCopecart } from "@paybell/protocols/copecart/verify";
import { verify as verifyDigistore24 } from "@paybell/protocols/digistore24/verify";
import { verify as verifyStandard } from "@paybell/protocols/standard-webhooks/verify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildCommand, type Line, startServing, temporaryFolder } from "../testing/command.ts";
import { connect, loopback } from "../testing/out-connection.ts";
import { payment } from "../testing/payment.ts";
import { type Receiver, startReceiver } from "../testing/receiver.ts";
import { apiKey, openShop, type Shop } from "../testing/shop.ts";
import { listen } from "./listen.ts";
import { type Shape, signedByServer, signedHere } from "./listen-shape.ts";
import type { Output } from "./output.ts";
import { relay } from "./relay.ts";
import { listen as serve, type Listening } from "./server.ts";

/* Over real HTTP: a server, the command, and the program it brings events to. */

let shop: Shop;
let server: Listening;

/** Clients open connections ahead and leave them without a request, which only the end of the grace closes. */
const limits = { headersMs: 5_000, requestMs: 5_000, keepAliveMs: 5_000, headerBytes: 16_384, graceMs: 100 };

beforeAll(async () => {
  shop = await openShop(new Date().toISOString(), loopback);
  server = await serve(shop.paybell, { host: "127.0.0.1", port: 0 }, limits);
});

afterAll(async () => {
  shop.paybell.endStreams();
  await server.close();
});

let sequence = 0;

async function publish(fields: Readonly<Record<string, unknown>> = {}): Promise<{ id: string; order: string }> {
  const order = `ORDER${String(++sequence).padStart(4, "0")}`;
  const body = payment({ order_id: order, transaction_id: `t-${sequence}`, ...fields });
  return { id: (await shop.ok<{ id: string }>("POST", "/v1/payments", body)).id, order };
}

type Relaying = {
  /** both ways of saying each thing */
  readonly said: string[];
  readonly lines: Line[];
  /** resolves with the first line of this type that was or will be said */
  line(type: string): Promise<Line>;
  readonly ended: Promise<{ all: number; accepted: number }>;
  stop(): Promise<{ all: number; accepted: number }>;
};

/** @param fields.wait between tries and calls; by itself none */
async function start(
  receiver: Pick<Receiver, "url">,
  shape: Shape,
  fields: { query?: Record<string, string>; key?: string; url?: string; wait?: () => Promise<unknown> } = {},
): Promise<Relaying> {
  const { query = {}, key = apiKey, url = server.url, wait = () => new Promise(setImmediate) } = fields;
  const stopping = new AbortController();
  const said: string[] = [];
  const lines: Line[] = [];
  const waiting: { type: string; resolve: (line: Line) => void }[] = [];
  const output: Output = {
    json: true,
    say: (line = "") => void said.push(line),
    data(line) {
      lines.push(line);
      for (const one of waiting) if (one.type === line.type) one.resolve(line);
    },
  };
  let begin = () => {};
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const ended = relay(
    { url, key, query: new URLSearchParams(query) },
    { forward: new URL(`${receiver.url}/hook?x=1`), shape, output, signal: stopping.signal, wait },
    () => begin(),
  );
  await Promise.race([begun, ended]);
  return {
    said,
    lines,
    line: (type) =>
      new Promise((resolve) => {
        const known = lines.find((line) => line.type === type);
        if (known) resolve(known);
        else waiting.push({ type, resolve });
      }),
    ended,
    stop() {
      stopping.abort();
      return ended;
    },
  };
}

const standard = formats.get("standard-webhooks")!;
const secretOf = (name: string) => formats.get(name)!.newSecret(Buffer.alloc(32, 9));
const here = (name = "standard-webhooks") => signedHere(formats.get(name)!, secretOf(name));

describe("events", () => {
  test.each([
    ["standard-webhooks", verifyStandard],
    ["copecart", verifyCopecart],
    ["digistore24", verifyDigistore24],
  ] as const)("arrive in %s as its own check takes them, each with its line", async (name, verify) => {
    const receiver = await startReceiver();
    const relaying = await start(receiver, here(name));
    const { id, order } = await publish();
    const line = await relaying.line("forwarded");
    expect(line).toMatchObject({ id, event: "payment.made", subject: order, accepted: true, status: 200, tries: 1 });
    expect(relaying.said.at(-1)).toMatch(new RegExp(`✓ payment\\.made +${order} +200 in \\d+ ms$`));
    const [request] = receiver.received;
    expect([request!.method, request!.path]).toEqual(["POST", "/hook?x=1"]);
    const { method, path, body } = request!;
    const incoming = {
      method,
      url: path,
      headers: new Headers(request!.headers),
      body: new TextEncoder().encode(body),
    };
    expect(await verify(incoming, [secretOf(name)], Date.now())).toEqual({ ok: true });
    expect(await relaying.stop()).toEqual({ all: 1, accepted: 1 });
  });

  test("come one after the other, in order, however slow the program is", async () => {
    const receiver = await startReceiver();
    let underWay = 0;
    let most = 0;
    receiver.answer(async () => {
      most = Math.max(most, ++underWay);
      await new Promise(setImmediate);
      underWay--;
      return {};
    });
    const relaying = await start(receiver, here());
    const ids: string[] = [];
    for (let n = 0; n < 20; n++) ids.push((await publish()).id);
    const received = await receiver.arrived(20);
    expect(received.map(({ headers }) => headers["webhook-id"])).toEqual(ids);
    expect(most).toBe(1);
    await relaying.stop();
  });

  test("of which the format has none of the words are named and not sent", async () => {
    const receiver = await startReceiver();
    const relaying = await start(receiver, here("copecart"));
    await publish({ type: "payment.dispute_won" });
    expect(await relaying.line("skipped")).toMatchObject({ event: "payment.dispute_won", code: "not_expressible" });
    await publish();
    await receiver.arrived(1);
    expect(receiver.received).toHaveLength(1);
    await relaying.stop();
  });

  test("that the program does not accept are shown as it answered", async () => {
    const receiver = await startReceiver();
    receiver.answer((_, index) => (index === 0 ? { status: 500, body: "" } : { body: "Thank you" }));
    const relaying = await start(receiver, here("copecart"));
    await publish();
    await publish();
    await receiver.arrived(2);
    await publish();
    await receiver.arrived(3);
    expect(await relaying.stop()).toMatchObject({ accepted: 0 });
    const forwarded = relaying.lines.filter(({ type }) => type === "forwarded");
    expect(forwarded.slice(0, 2)).toMatchObject([
      { accepted: false, status: 500 },
      { accepted: false, status: 200 },
    ]);
    expect(relaying.said.some((line) => line.includes('the body "Thank you" is not what the format asks for'))).toBe(
      true,
    );
  });

  test("hold no sign that moves the cursor of a terminal", async () => {
    const receiver = await startReceiver();
    const relaying = await start(receiver, here());
    await publish({ order_id: "A\u001b[2J\u009b1mB\nC" });
    await relaying.line("forwarded");
    expect(relaying.said.join("")).not.toMatch(/\p{Cc}/u);
    await relaying.stop();
  });
});

describe("a program that is down", () => {
  test("is tried again for the same event until it is up", async () => {
    const gone = await startReceiver();
    await gone.stop();
    let back: Receiver | undefined;
    let waits = 0;
    const wait = async () => {
      if (++waits === 2) back = await startReceiver({ port: gone.port });
    };
    const relaying = await start(gone, here(), { wait });
    const { id } = await publish();
    expect(await relaying.line("forwarded")).toMatchObject({ id, accepted: true, tries: 3 });
    expect(relaying.said[0]).toContain("Nothing accepts connections on this port of the server. Next try in 1 s.");
    expect(back?.received).toHaveLength(1);
    await relaying.stop();
  });

  test("loses the event after five tries, with a word, and is brought the next", async () => {
    const gone = await startReceiver();
    await gone.stop();
    const relaying = await start(gone, here());
    const lost = await publish();
    expect(await relaying.line("forwarded")).toMatchObject({ id: lost.id, accepted: false, tries: 5, status: null });
    expect(relaying.said.at(-1)).toContain("Given up after 5 tries.");
    const back = await startReceiver({ port: gone.port });
    const next = await publish();
    const [received] = await back.arrived(1);
    expect(received!.headers["webhook-id"]).toBe(next.id);
    await relaying.stop();
  });
});

describe("a server that goes away", () => {
  test("is called again, and nothing that happened meanwhile is missed or comes twice", async () => {
    const receiver = await startReceiver();
    const own = await openShop(new Date().toISOString(), { newConnection: false });
    const place = { host: "127.0.0.1", port: 0 };
    let up = await serve(own.paybell, place, limits);
    const ids: string[] = [];
    const sell = async () =>
      void ids.push((await own.ok<{ id: string }>("POST", "/v1/payments", payment({ order_id: `O${ids.length}` }))).id);
    let waits = 0;
    const wait = async () => {
      // Away for two calls, while sales go on.
      await sell();
      if (++waits === 2) up = await serve(own.paybell, { host: "127.0.0.1", port: up.port }, limits);
    };
    const relaying = await start(receiver, here(), { url: up.url, wait });
    // Before anything was seen, too.
    await up.close();
    await receiver.arrived(2);
    await sell();
    await receiver.arrived(3);
    waits = 0;
    await up.close();
    const received = await receiver.arrived(5);
    expect(received.map(({ headers }) => headers["webhook-id"])).toEqual(ids);
    expect(
      relaying.lines.filter(({ type }) => type === "lost" || type === "connected").map(({ type }) => type),
    ).toEqual(["lost", "connected", "lost", "connected"]);
    await relaying.stop();
    await up.close();
  });

  test("and refuses the key afterwards ends it", async () => {
    const receiver = await startReceiver();
    const made = await shop.ok<{ id: string; key: string }>("POST", "/v1/keys", { name: "dev", scope: "read" });
    const front = await serve(shop.paybell, { host: "127.0.0.1", port: 0 }, limits);
    const wait = () => serveAgain;
    let again: Listening | undefined;
    let resolveAgain = () => {};
    const serveAgain = new Promise<void>((resolve) => (resolveAgain = resolve));
    const relaying = await start(receiver, here(), { url: front.url, key: made.key, wait });
    const ended = expect(relaying.ended).rejects.toMatchObject({ code: "key_unknown", exit: 1 });
    await shop.ok("DELETE", `/v1/keys/${made.id}`);
    await front.close();
    again = await serve(shop.paybell, { host: "127.0.0.1", port: front.port }, limits);
    resolveAgain();
    await ended;
    await again.close();
  });
});

describe("a connection", () => {
  test("found by its name signs with its own secret, and its own deliveries go their way", async () => {
    const receiver = await startReceiver();
    const elsewhere = await startReceiver();
    const made = await connect(shop, elsewhere, { name: "Shop system" });
    const relaying = await start(receiver, signedByServer("standard-webhooks"), { query: { connection: made.id } });
    const { id, order } = await publish();
    expect(await relaying.line("forwarded")).toMatchObject({ id, subject: order, accepted: true });
    const [{ headers, body }] = receiver.received as [Receiver["received"][number]];
    const incoming = { headers: new Headers(headers), body: new TextEncoder().encode(body) };
    expect(await verifyStandard(incoming, [made.secret!], shop.now())).toEqual({ ok: true });
    expect(elsewhere.received).toHaveLength(0);
    await shop.paybell.settle();
    expect(elsewhere.received).toHaveLength(1);
    await relaying.stop();
  });
});

describe("the command", () => {
  const quiet: Output = { json: true, say: () => undefined, data: () => undefined };
  const to = ["--forward", "http://127.0.0.1:1/"];

  test.each([
    ["without an address", [], "forward_missing", 2],
    ["to what is no address", ["--forward", "localhost:3000"], "forward_invalid", 2],
    ["to an address with a password", ["--forward", "http://a:b@localhost/"], "forward_invalid", 2],
    ["without a key", to, "key_missing", 2],
    ["in a format there is not", [...to, "--key", "k", "--format", "stripe"], "format_unknown", 2],
    ["with a secret that cannot sign", [...to, "--key", "k", "--secret", "x"], "secret_invalid", 2],
    [
      "with a format and a connection",
      [...to, "--key", "k", "--format", "copecart", "--connection", "c"],
      "choice_unclear",
      2,
    ],
    ["since a time that is none", [...to, "--key", "k", "--since", "lately"], "since_invalid", 2],
    ["where nothing listens", [...to, "--key", "k", "--url", "http://127.0.0.1:1"], "server_unreachable", 1],
  ])("%s is refused with one sentence", async (_, args, code, exit) => {
    const before = process.env["PAYBELL_API_KEY"];
    delete process.env["PAYBELL_API_KEY"];
    try {
      await expect(listen.run(args, quiet)).rejects.toMatchObject({ code, exit });
    } finally {
      if (before !== undefined) process.env["PAYBELL_API_KEY"] = before;
    }
  });

  test("with a key the server does not know is refused", async () => {
    const asked = listen.run([...to, "--key", "pb_live_x", "--url", server.url], quiet);
    await expect(asked).rejects.toMatchObject({ code: "key_unknown", exit: 1 });
  });

  test("of a connection there is not lists those there are", async () => {
    await connect(shop, { url: "https://shop.example.com/a" }, { name: "Bookkeeping" });
    const asked = listen.run([...to, "--key", apiKey, "--url", server.url, "--connection", "Booking"], quiet);
    await expect(asked).rejects.toMatchObject({
      code: "connection_unknown",
      message: expect.stringContaining('"Bookkeeping"') as string,
    });
  });

  test("of a name two connections have asks for the id", async () => {
    for (const path of ["a", "b"]) await connect(shop, { url: `https://shop.example.com/${path}` }, { name: "Twice" });
    const asked = listen.run([...to, "--key", apiKey, "--url", server.url, "--connection", "Twice"], quiet);
    await expect(asked).rejects.toMatchObject({ code: "connection_ambiguous" });
  });

  test("says the secret once, brings what was before and what comes, and ends cleanly on Ctrl-C", async () => {
    buildCommand();
    const receiver = await startReceiver();
    const before = await publish({ type: "payment.refunded", parent_transaction_id: "t-1" });
    const at = ["--forward", receiver.url, "--url", server.url, "--key", apiKey];
    const args = ["listen", ...at, "--since", "1h", "--type", "payment.refunded"];
    const listening = await startServing(args, temporaryFolder());
    const secret = String(listening.said["secret"]);
    expect(standard.secretFault(secret)).toBeUndefined();
    await publish();
    const after = await publish({ type: "payment.refunded", parent_transaction_id: "t-2" });
    const received = await receiver.arrived(2);
    expect(received.map(({ headers }) => headers["webhook-id"])).toEqual([before.id, after.id]);
    for (const { headers, body } of received) {
      const incoming = { headers: new Headers(headers), body: new TextEncoder().encode(body) };
      expect(await verifyStandard(incoming, [secret], Date.now())).toEqual({ ok: true });
    }
    listening.child.kill("SIGINT");
    expect(await listening.ended).toBe(0);
    const rest = await listening.rest;
    expect(rest.at(-1)).toMatchObject({ type: "stopped" });
    expect(rest.filter(({ type }) => type === "forwarded").length).toBeGreaterThan(0);
  }, 180_000);
});
