import { afterAll, beforeAll, expect, test } from "vitest";
import { apiKey, openShop, type Shop, sign } from "../testing/shop.ts";
import { listen, type Listening } from "./server.ts";

/* The whole of it through a real HTTP server, as programs elsewhere speak to it. */

let shop: Shop;
let server: Listening;

beforeAll(async () => {
  shop = await openShop("2026-03-01T10:00:00");
  server = await listen(shop.paybell, { host: "127.0.0.1", port: 0 });
});

afterAll(() => server.close());

function ask(method: string, path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(server.url + path, {
    method,
    ...init,
    headers: { authorization: `Bearer ${apiKey}`, ...Object.fromEntries(new Headers(init.headers)) },
  });
}

/** In about fifty pieces. */
const chunked = (text: string): ReadableStream =>
  new ReadableStream({
    start(controller) {
      const bytes = new TextEncoder().encode(text);
      const size = Math.ceil(bytes.length / 50);
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.subarray(at, at + size));
      controller.close();
    },
  });

test("a notification is received, also in chunks", async () => {
  const path = new URL(shop.connection.url).pathname;
  for (const order of ["WHOLE001", "CHUNKS01"]) {
    const body = shop.bytes({ order_id: order });
    const headers = { "content-type": "application/json", "x-copecart-signature": sign(body) };
    const init = order === "WHOLE001" ? { body } : ({ body: chunked(body), duplex: "half" } as RequestInit);
    const response = await ask("POST", path, { ...init, headers });
    expect([response.status, response.headers.get("content-type"), await response.text()]).toEqual([
      200,
      "text/plain",
      "OK",
    ]);
  }
});

test("a POST with JSON, in chunks, without a body, and a DELETE are all answered", async () => {
  const json = { "content-type": "application/json" };
  const product = JSON.stringify({ name: "Course", features: ["course"] });
  const whole = await ask("POST", "/v1/products", { body: product, headers: json });
  expect(whole.status).toBe(201);
  const inChunks = await ask("POST", "/v1/products", {
    body: chunked(product),
    duplex: "half",
    headers: json,
  } as RequestInit);
  expect(inChunks.status).toBe(201);
  const { id } = (await inChunks.json()) as { id: string };
  expect((await ask("POST", "/v1/rebuild")).status).toBe(200);
  expect((await ask("DELETE", `/v1/products/${id}`)).status).toBe(200);
  expect((await ask("DELETE", "/v1/orders")).status).toBe(405);
});

test("a body over 1 MiB is refused with a problem, with and without its length said", async () => {
  const large = JSON.stringify({ name: "x".repeat(1_100_000) });
  for (const init of [{ body: large }, { body: chunked(large), duplex: "half" }] as RequestInit[]) {
    const response = await ask("POST", "/v1/products", { ...init, headers: { "content-type": "application/json" } });
    expect(response.status).toBe(413);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  }
});

test("the same POST under one Idempotency-Key is done once", async () => {
  const send = () =>
    ask("POST", "/v1/products", {
      body: '{"name":"Once"}',
      headers: { "content-type": "application/json", "idempotency-key": "once" },
    });
  const [first, second] = [await (await send()).text(), await (await send()).text()];
  expect(second).toBe(first);
});

test.each([
  ["en", "runs"],
  ["de-DE,de;q=0.9", "läuft"],
])("a browser that comes by (%s) reads a word for people", async (language, word) => {
  expect(await (await fetch(server.url, { headers: { "accept-language": language } })).text()).toContain(word);
});
