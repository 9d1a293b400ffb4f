import { createServer } from "node:http";
import { copecart } from "@paybell/protocols/copecart/copecart";
import { afterEach, expect, test } from "vitest";
import { portOf } from "../testing/mail-server.ts";
import { course, people } from "./catalogue.ts";
import { randomFrom } from "./random.ts";
import { checkout } from "./happening.ts";
import { type Attempt, bring } from "./twin.ts";
import { copecartVoice } from "./voices/copecart.ts";

const at = Date.parse("2026-11-22T12:00:00Z");
const order = checkout(randomFrom(1), people[0], at, false);
const voice = copecartVoice();
const [telling] = voice.tell(order, { kind: "payment", article: course, at, transactionId: "8a41d0c2e5f7b936" });
const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

test("a notification is signed, and delivered by 200 and OK alone", async () => {
  const receiver = await receive(["200 OK"]);
  const last = await bring(voice, telling!, { url: receiver.url, secret: "s" }, patient());
  expect(last).toMatchObject({ number: 1, result: { kind: "delivered" } });
  const [sent = { headers: {}, body: new Uint8Array() }] = receiver.heard;
  expect(sent.headers).toMatchObject({ "content-type": "application/json", "user-agent": "Copecart" });
  const incoming = {
    method: "POST",
    url: receiver.url,
    headers: new Headers(sent.headers),
    body: new Uint8Array(sent.body),
  };
  expect(await copecart.verify(incoming, ["s"], 0)).toEqual({ ok: true });
});

test.each([
  ["an error", "500 broken"],
  ["a refusal", "401 refused"],
  ["OK in quotes", '200 "OK"'],
  ["OK and more", "200 OK\n"],
  ["another success", "204 "],
  ["a redirect", "302 OK"],
])("%s is repeated, with the same bytes", async (_, answer) => {
  const receiver = await receive([answer, answer, "200 OK"]);
  const waits: number[] = [];
  const attempts: Attempt[] = [];
  const repeats = { ...patient(waits), heard: (attempt: Attempt) => attempts.push(attempt) };
  const last = await bring(voice, telling!, { url: receiver.url, secret: "s" }, repeats);
  expect(last).toMatchObject({ number: 3, result: { kind: "delivered" } });
  expect(attempts.map(({ result }) => result.kind)).toEqual(["refused", "refused", "delivered"]);
  expect(waits).toEqual([18 * 60_000, 18 * 60_000]);
  expect(
    new Set(
      receiver.heard.map(({ body, headers }) => `${Buffer.from(body).toString()} ${headers["x-copecart-signature"]}`),
    ).size,
  ).toBe(1);
});

test("after ten repeats over three hours it gives up", async () => {
  const waits: number[] = [];
  const last = await bring(voice, telling!, { url: "http://127.0.0.1:1/", secret: "s" }, patient(waits));
  expect(last).toMatchObject({ number: 11, result: { kind: "unreachable" } });
  expect(waits.reduce((sum, ms) => sum + ms, 0)).toBe(3 * 3_600_000);
});

function patient(waits: number[] = []) {
  return { afterMs: voice.repeats, wait: async (ms: number) => waits.push(ms) };
}

/** Answers `<status> <body>` in turn. */
async function receive(answers: string[]) {
  const heard: { headers: Record<string, string>; body: Buffer | Uint8Array }[] = [];
  const server = createServer((incoming, outgoing) => {
    const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
    const pieces: Buffer[] = [];
    incoming.on("data", (piece: Buffer) => pieces.push(piece));
    incoming.on("end", () => {
      heard.push({ headers, body: Buffer.concat(pieces) });
      const answer = answers.shift() ?? "";
      outgoing.writeHead(Number(answer.slice(0, 3)), { location: "/elsewhere" }).end(answer.slice(4));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${portOf(server)}/in/token`, heard };
}
