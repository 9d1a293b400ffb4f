import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openShop, sign } from "./testing/shop.ts";

/* What a stranger, a broken proxy or an angry competitor sends to the door. */

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const encoder = new TextEncoder();

/** One change to a notification: bits, truncation, doubled keys, huge numbers, depth, lone surrogates, other charsets. */
const mutation = (original: string): fc.Arbitrary<Uint8Array> => {
  const bytes = encoder.encode(original);
  const place = fc.nat(bytes.length - 1);
  const inserted = (text: string) =>
    place.map((at) => encoder.encode(`${original.slice(0, at)}${text}${original.slice(at)}`));
  return fc.oneof(
    fc.tuple(place, fc.nat(7)).map(([at, bit]) => bytes.with(at, bytes[at]! ^ (1 << bit))),
    place.map((length) => bytes.slice(0, length)),
    fc
      .constantFrom(
        '{"event_type":"payment.made",',
        '"order_id":"X",',
        "[".repeat(5000),
        "9".repeat(400),
        "\\ud800",
        "\0",
        "\ufeff",
        "1e999",
        "null",
        "{}",
      )
      .chain(inserted),
    fc.constant(Buffer.from(original, "utf16le")).map((buffer) => new Uint8Array(buffer)),
    fc.uint8Array({ maxLength: 300 }),
    fc
      .nat(9)
      .map((n) =>
        encoder.encode(
          original.replace(
            '"transaction_amount":"97.0"',
            `"transaction_amount":${["1e400", "-0", '"97,00"', "{}", "[97]", "true", '"1".repeat', '"99999999999999999999"', "NaN", '"97.001"'][n]}`,
          ),
        ),
      ),
  );
};

test("ten thousand mutated notifications under the old signature: refused each, nothing granted, memory flat", async () => {
  const shop = await openShop("2026-03-01T10:00:00");
  await shop.product({ product_id: "4be81c07", features: ["course"], licence: { pattern: "XXXX-XXXX-XXXX" } });
  const original = shop.bytes({ transaction_id: "never" });
  const signature = sign(original);
  const mutants = fc
    .sample(mutation(original), { numRuns: 10_000, seed: 20260301 })
    .filter((bytes) => Buffer.compare(bytes, encoder.encode(original)) !== 0);
  const send = async (batch: readonly Uint8Array[]) => {
    for (let at = 0; at < batch.length; at += 50) {
      const answers = await Promise.all(batch.slice(at, at + 50).map((bytes) => shop.post(bytes, signature)));
      for (const answer of answers)
        expect(answer).toEqual({ status: 401, body: expect.not.stringMatching(/signature|secret|hmac/i) as string });
    }
  };
  await send(mutants.slice(0, 2000));
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  await send(mutants.slice(2000));
  collectGarbage();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20 * 1024 * 1024);
  await shop.paybell.settle();
  expect((await shop.ok<{ data: unknown[] }>("GET", "/v1/orders")).data).toEqual([]);
  expect(await shop.mails()).toEqual([]);
  const refused = await shop.notifications({ verdict: "refused" });
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.length).toBeLessThanOrEqual(200);
  expect(await shop.alarms()).toEqual(["signatures_wrong"]);
}, 120_000);

test("mutated notifications signed by the provider itself: kept and answered, never a crash, never more than was paid", async () => {
  const shop = await openShop("2026-03-01T10:00:00");
  await shop.product({ product_id: "4be81c07", features: ["course"] });
  const original = shop.bytes({ transaction_id: "signed" });
  const mutants = fc.sample(mutation(original), { numRuns: 1500, seed: 20260302 });
  for (let at = 0; at < mutants.length; at += 50) {
    for (const answer of await Promise.all(mutants.slice(at, at + 50).map((bytes) => shop.post(bytes)))) {
      expect(answer).toEqual({ status: 200, body: "OK" });
    }
    await shop.paybell.settle();
  }
  for (const notification of await shop.notifications()) {
    expect(["applied", "waiting", "ignored"]).toContain(notification.state);
    expect(notification.reason).not.toBe("not_applicable");
  }
  const waiting = await shop.notifications({ state: "waiting" });
  expect(waiting.length).toBeGreaterThan(0);
  expect((await shop.paybell.rebuild()).differences).toEqual([]);
}, 120_000);

test.each([
  ["no signature", {}, 401],
  ["an empty signature", { "x-copecart-signature": "" }, 401],
  ["a signature of a megabyte", { "x-copecart-signature": "A".repeat(1_000_000) }, 401],
  [
    "another content type",
    { "content-type": "application/x-www-form-urlencoded", "x-copecart-signature": "right" },
    200,
  ],
  [
    "a content type in another charset",
    { "content-type": "application/json; charset=windows-1252", "x-copecart-signature": "right" },
    200,
  ],
])("%s is answered as the signature deserves", async (_name, headers, status) => {
  const shop = await openShop("2026-03-01T10:00:00");
  const body = shop.bytes({});
  const given: Record<string, string> = { ...headers };
  if (given["x-copecart-signature"] === "right") given["x-copecart-signature"] = sign(body);
  const response = await shop.paybell.fetch(new Request(shop.connection.url, { method: "POST", headers: given, body }));
  expect(response.status).toBe(status);
});

test("a body over 256 KiB is refused with 413, and one of exactly that size is read", async () => {
  const shop = await openShop("2026-03-01T10:00:00");
  const pad = (length: number) => {
    const body = shop.bytes({ metadata: "" });
    return body.replace('"metadata":""', `"metadata":"${"m".repeat(length - body.length)}"`);
  };
  expect(await shop.post(pad(256 * 1024))).toEqual({ status: 200, body: "OK" });
  expect((await shop.post(pad(256 * 1024 + 1))).status).toBe(413);
});

test("a body that breaks off is not claimed", async () => {
  const shop = await openShop("2026-03-01T10:00:00");
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode('{"event_type":'));
      controller.error(new Error("hung up"));
    },
  });
  const response = await shop.paybell.fetch(
    new Request(shop.connection.url, { method: "POST", body: stream, duplex: "half" } as RequestInit),
  );
  expect(response.status).toBe(400);
  expect(await shop.notifications()).toEqual([]);
});

test("an address nobody was given answers 404", async () => {
  const shop = await openShop("2026-03-01T10:00:00");
  for (const token of ["x", "A".repeat(43), "%00", "../v1/orders"]) {
    expect(
      (await shop.post(shop.bytes({}), undefined, `http://127.0.0.1:8787/in/${token}`)).status,
    ).toBeGreaterThanOrEqual(400);
  }
});
