import { request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { listen, type Limits, type Listening } from "./server.ts";

const limits: Limits = { headersMs: 300, requestMs: 600, keepAliveMs: 60_000, headerBytes: 16 * 1024, graceMs: 10_000 };
const open: Listening[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

test("the address it listens on answers", async () => {
  const { url, port } = await serveBodies();
  expect(url).toBe(`http://127.0.0.1:${port}`);
  expect(await (await fetch(url, { method: "POST", body: "hello" })).text()).toBe("hello");
});

test("headers larger than the limit are answered 431", async () => {
  const { port } = await serveBodies();
  expect(await talk(port, `GET / HTTP/1.1\r\nhost: x\r\nx-large: ${"a".repeat(40_000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1.1 431 /,
  );
});

test.each([
  ["headers that never end", "POST / HTTP/1.1\r\nhost: x\r\n"],
  ["a body that never ends", "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nslow"],
])("%s cannot hold a connection", async (_, beginning) => {
  const { port } = await serveBodies();
  expect(await talk(port, beginning)).toMatch(/^HTTP\/1.1 408 /);
});

test("closing lets an answer under way finish and ends idle connections", async () => {
  let finish: (() => void) | undefined;
  let arrived: (() => void) | undefined;
  const isThere = new Promise<void>((resolve) => (arrived = resolve));
  const server = await listenFor(async () => {
    arrived?.();
    await new Promise<void>((resolve) => (finish = resolve));
    return new Response("done");
  });
  const answer = new Promise<string>((resolve, reject) => {
    request(server.url, { headers: { connection: "keep-alive" } }, (incoming) => resolve(text(incoming)))
      .on("error", reject)
      .end();
  });
  await isThere;
  const closed = server.close();
  await expect(fetch(server.url)).rejects.toThrow("fetch failed");
  finish?.();
  expect(await answer).toBe("done");
  await closed;
});

test("a port that is taken, and a host that is not ours, have codes of their own", async () => {
  const { port } = await serveBodies();
  await expect(listen({ fetch: echo }, { host: "127.0.0.1", port })).rejects.toMatchObject({ code: "port_in_use" });
  await expect(listen({ fetch: echo }, { host: "192.0.2.1", port: 0 })).rejects.toMatchObject({ code: "host_unknown" });
});

async function echo(incoming: Request): Promise<Response> {
  return new Response(await incoming.arrayBuffer());
}

function serveBodies(): Promise<Listening> {
  return listenFor(echo);
}

async function listenFor(fetch: (request: Request) => Promise<Response>): Promise<Listening> {
  const listening = await listen({ fetch }, { host: "127.0.0.1", port: 0 }, limits);
  open.push(listening);
  return listening;
}

/** Sends text and reads until the server ends the connection. */
function talk(port: number, message: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(message));
    let heard = "";
    socket.on("data", (piece) => (heard += piece.toString()));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(heard));
  });
}
