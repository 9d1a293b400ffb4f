import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { apiKey, type Message, openShop, type Shop } from "../testing/shop.ts";
import { byteRange } from "./pages/byte-range.ts";
import { attachment } from "./pages/download-pages.ts";

const refund: Message = {
  event_type: "payment.refunded",
  payment_status: "successed_refunded",
  transaction_type: "refund",
};

/** Bytes of which every stretch is different. */
function book(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let state = seed;
  for (let at = 0; at < size; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

async function upload(shop: Shop, productId: string, bytes: BodyInit | null, name = "book.pdf", headers = {}) {
  const response = await shop.paybell.fetch(
    new Request(`http://127.0.0.1:8787/v1/products/${productId}/download?name=${encodeURIComponent(name)}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${apiKey}`, ...headers },
      body: bytes,
      duplex: "half",
    } as RequestInit),
  );
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

async function sell(download: Message = {}) {
  const shop = await openShop("2026-03-03T10:00:00");
  const product = await shop.product({ product_id: "4be81c07", name: "Guide", features: ["guide"], download });
  await shop.notify({});
  const [mail] = await shop.mails();
  return { shop, product, path: /(\/download\/[\w-]+)/.exec(mail!.text)![1]! };
}

async function get(shop: Shop, path: string, headers: Record<string, string> = {}, method = "GET") {
  const response = await shop.paybell.fetch(new Request(`http://127.0.0.1:8787${path}`, { method, headers }));
  return {
    status: response.status,
    headers: response.headers,
    bytes: new Uint8Array(await response.arrayBuffer()),
    text() {
      return new TextDecoder().decode(this.bytes);
    },
  };
}

describe("a download link", () => {
  test("gives the uploaded bytes, any number of times, under the name they were given", async () => {
    const { shop, product, path } = await sell();
    const bytes = book(2 * 1024 * 1024 + 12_345);
    const kept = await upload(shop, product.id, bytes, "Kräuter & Öle.pdf");
    expect(kept).toMatchObject({
      status: 200,
      json: {
        name: "Kräuter & Öle.pdf",
        content_type: "application/pdf",
        size: bytes.length,
        sha256: createHash("sha256").update(bytes).digest("hex"),
      },
    });
    expect((await shop.api("GET", `/v1/products/${product.id}/download`)).json).toEqual(kept.json);
    for (let n = 0; n < 2; n++) {
      const file = await get(shop, path);
      expect(file.status).toBe(200);
      expect(Buffer.from(file.bytes).equals(bytes)).toBe(true);
      expect(Object.fromEntries(file.headers)).toMatchObject({
        "content-type": "application/pdf",
        "content-length": String(bytes.length),
        "content-disposition": `attachment; filename="Kr_uter & _le.pdf"; filename*=UTF-8''Kr%C3%A4uter%20%26%20%C3%96le.pdf`,
        "x-content-type-options": "nosniff",
        "accept-ranges": "bytes",
        "cache-control": "no-store",
      });
    }
  });

  test("an interrupted download goes on where it stopped, across pieces", async () => {
    const { shop, product, path } = await sell();
    const bytes = book(2 * 1024 * 1024 + 500);
    await upload(shop, product.id, bytes);
    const { headers } = await get(shop, path, {}, "HEAD");
    const etag = headers.get("etag")!;
    for (const [range, first, last] of [
      ["bytes=0-0", 0, 0],
      ["bytes=1048570-1048580", 1_048_570, 1_048_580],
      ["bytes=1048576-", 1_048_576, bytes.length - 1],
      ["bytes=-600", bytes.length - 600, bytes.length - 1],
    ] as const) {
      const part = await get(shop, path, { range, "if-range": etag });
      expect(part.status).toBe(206);
      expect(part.headers.get("content-range")).toBe(`bytes ${first}-${last}/${bytes.length}`);
      expect(part.headers.get("content-length")).toBe(String(last - first + 1));
      expect(Buffer.from(part.bytes).equals(bytes.subarray(first, last + 1))).toBe(true);
    }
    const beyond = await get(shop, path, { range: `bytes=${bytes.length}-` });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get("content-range")).toBe(`bytes */${bytes.length}`);
  });

  test("a download that goes on after the file was replaced starts again with the new file", async () => {
    const { shop, product, path } = await sell();
    await upload(shop, product.id, book(1000, 1));
    const etag = (await get(shop, path)).headers.get("etag")!;
    await upload(shop, product.id, book(1000, 2));
    const whole = await get(shop, path, { range: "bytes=500-", "if-range": etag });
    expect(whole.status).toBe(200);
    expect(Buffer.from(whole.bytes).equals(book(1000, 2))).toBe(true);
  });

  test("a file replaced in the middle of a download breaks it off instead of mixing two files", async () => {
    const { shop, product, path } = await sell();
    await upload(shop, product.id, book(2 * 1024 * 1024, 1));
    const response = await shop.paybell.fetch(new Request(`http://127.0.0.1:8787${path}`));
    const reader = response.body!.getReader();
    await reader.read();
    await upload(shop, product.id, book(2 * 1024 * 1024, 2));
    await expect(reader.read()).rejects.toThrow(/replaced/);
  });

  test("HEAD tells the size and sends nothing", async () => {
    const { shop, product, path } = await sell();
    await upload(shop, product.id, book(1000));
    const { status, headers, bytes } = await get(shop, path, {}, "HEAD");
    expect([status, headers.get("content-length"), bytes.length]).toEqual([200, "1000", 0]);
  });

  test("leads to the seller's own address where there is one", async () => {
    const { shop, path } = await sell({ url: "https://files.shop.example/guide.pdf" });
    const { status, headers } = await get(shop, path);
    expect([status, headers.get("location"), headers.get("referrer-policy")]).toEqual([
      302,
      "https://files.shop.example/guide.pdf",
      "no-referrer",
    ]);
  });

  test("says in words why it gives nothing", async () => {
    const { shop, product, path } = await sell({ valid_days: 5 });
    const missing = await get(shop, path, { "accept-language": "de" });
    expect([missing.status, missing.text()]).toEqual([404, expect.stringContaining("Die Datei fehlt noch")]);
    await upload(shop, product.id, book(10));
    expect((await get(shop, path)).status).toBe(200);
    await shop.at("2026-03-08T10:00:00");
    const expired = await get(shop, path, { "accept-language": "en" });
    expect([expired.status, expired.text()]).toEqual([410, expect.stringContaining("expired")]);
    const unknown = await get(shop, "/download/nothing");
    expect([unknown.status, unknown.text()]).toEqual([404, expect.stringContaining("There is no such link")]);
  });

  test("a refund closes it at once", async () => {
    const { shop, product, path } = await sell();
    await upload(shop, product.id, book(10));
    await shop.notify(refund);
    const closed = await get(shop, path, { "accept-language": "de" });
    expect([closed.status, closed.text()]).toEqual([403, expect.stringContaining("erstattet")]);
  });

  test("one that was sent again makes the earlier one useless", async () => {
    const { shop, product, path } = await sell();
    await upload(shop, product.id, book(10));
    const order = await shop.order("A1B2C3D4");
    await shop.ok("POST", `/v1/orders/${order.id}/resend`);
    const old = await get(shop, path, { "accept-language": "en" });
    expect([old.status, old.text()]).toEqual([410, expect.stringContaining("no longer good")]);
    const paths = (await shop.mails()).map((mail) => /(\/download\/[\w-]+)/.exec(mail.text)![1]!);
    const fresh = paths.find((one) => one !== path)!;
    expect((await get(shop, fresh)).status).toBe(200);
  });
});

describe("an upload", () => {
  test("that is refused leaves the file before it as it was", async () => {
    const { shop, product, path } = await sell();
    await upload(shop, product.id, book(1000));
    const broken = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error("The line was cut."));
      },
    });
    expect((await upload(shop, product.id, broken)).json).toMatchObject({ code: "upload_broken" });
    expect((await upload(shop, product.id, new Uint8Array(0))).json).toMatchObject({ code: "file_empty" });
    const large = { "content-length": String(256 * 1024 * 1024 + 1) };
    expect((await upload(shop, product.id, book(10), "book.pdf", large)).status).toBe(413);
    expect(Buffer.from((await get(shop, path)).bytes).equals(book(1000))).toBe(true);
  });

  test("larger than the bodies of other requests is taken, and taken away again", async () => {
    const { shop, product, path } = await sell();
    expect((await upload(shop, product.id, book(3_000_000), "film.mp4")).json).toMatchObject({
      size: 3_000_000,
      content_type: "video/mp4",
    });
    expect((await shop.api("DELETE", `/v1/products/${product.id}/download`)).json).toEqual({ removed: true });
    expect((await get(shop, path)).status).toBe(404);
    expect((await shop.api("GET", `/v1/products/${product.id}/download`)).status).toBe(404);
  });

  test("for a product of nobody's, or without a name, is refused", async () => {
    const { shop, product } = await sell();
    expect((await upload(shop, "00000000-0000-7000-8000-000000000000", book(10))).status).toBe(404);
    expect((await upload(shop, product.id, book(10), "")).status).toBe(422);
    expect((await upload(shop, product.id, book(10), "../../etc/passwd")).json).toMatchObject({ name: "passwd" });
  });
});

describe("byteRange", () => {
  test.each([
    [null, "all"],
    ["bytes=0-", { first: 0, last: 99 }],
    ["bytes=10-19", { first: 10, last: 19 }],
    ["bytes=90-1000", { first: 90, last: 99 }],
    ["bytes=-10", { first: 90, last: 99 }],
    ["bytes=-1000", { first: 0, last: 99 }],
    ["bytes=-0", "none"],
    ["bytes=100-", "none"],
    ["bytes=20-10", "all"],
    ["bytes=-", "all"],
    ["bytes=0-1,5-6", "all"],
    ["lines=1-2", "all"],
  ] as const)("%s of 100 bytes", (header, expected) => {
    expect(byteRange(header, 100)).toEqual(expected);
  });

  test("what it answers lies within the file, whatever is asked", () =>
    fc.assert(
      fc.property(fc.string(), fc.nat(), fc.nat(), fc.integer({ min: 1 }), (junk, from, to, size) => {
        for (const header of [junk, `bytes=${junk}`, `bytes=${from}-${to}`, `bytes=-${to}`, `bytes=${from}-`]) {
          const range = byteRange(header, size);
          if (typeof range === "string") continue;
          expect(range.first).toBeGreaterThanOrEqual(0);
          expect(range.last).toBeGreaterThanOrEqual(range.first);
          expect(range.last).toBeLessThan(size);
        }
      }),
    ));
});

test("no file name can add a header of its own", () =>
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (name) => {
      const value = attachment(name);
      expect(value).toMatch(/^attachment; filename="[\x20-\x7e]*"; filename\*=UTF-8''[\w.!~%-]*$/);
      expect(decodeURIComponent(value.split("UTF-8''").at(-1)!)).toBe(name);
    }),
  ));
