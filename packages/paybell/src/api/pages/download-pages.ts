import { Hono } from "hono";
import { accessAt, type StandingWord } from "../../access/access.ts";
import { type DownloadFile, fileOf, readFile } from "../../fulfil/downloads.ts";
import { findLink, verdictOf } from "../../fulfil/link-rows.ts";
import type { House } from "../../house.ts";
import { byteRange } from "./byte-range.ts";
import { pageError, show, visitor } from "./link-page.ts";
import { guardHeaders } from "./page.tsx";

/** A download link: the file, any number of times while the link is valid and the item open; else a page saying why not. */
export function downloadPages(house: House): Hono {
  const app = new Hono();
  app.onError(pageError(house));

  app.get("/download/:token", async (c) => {
    await house.caughtUp();
    const now = house.clock();
    const link = await findLink(house.pool, { kind: "download", token: c.req.param("token") });
    const who = visitor(c, link);
    const { texts } = who;
    if (!link) return show(who, 404, texts.unknown);
    const verdict = verdictOf(link, now);
    if (verdict === "revoked") return show(who, 410, texts.download.revoked);
    if (verdict !== "good") return show(who, 410, texts.download.expired(who.product));
    const standing = link.itemState && accessAt(link.itemState, now);
    if (!standing?.open) return show(who, 403, texts.download.closed[closedAs(standing?.word)](who.product));
    const url = link.product?.config.download?.url;
    if (url !== undefined) return new Response(null, { status: 302, headers: { ...guardHeaders, location: url } });
    const file = link.product && (await fileOf(house.pool, link.accountId, link.product.id));
    if (!file) return show(who, 404, texts.download.missing(who.product));
    return sendFile(house, file, c.req.raw.headers);
  });

  return app;
}

/** `attachment` with the name for every browser. Source: RFC 6266, appendix D; RFC 5987 */
export function attachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

function sendFile({ pool }: House, file: DownloadFile, asked: Headers): Response {
  const etag = `"${file.digest.toString("base64url")}"`;
  const headers = {
    ...guardHeaders,
    "content-type": file.contentType,
    "content-disposition": attachment(file.name),
    "accept-ranges": "bytes",
    etag,
    // Whatever the file is, it does nothing here.
    "content-security-policy": "default-src 'none'; sandbox",
  };
  // With If-Range a part is wanted only of the very file the first part was of.
  const same = (asked.get("if-range") ?? etag) === etag;
  const range = same ? byteRange(asked.get("range"), file.size) : "all";
  if (range === "none")
    return new Response(null, { status: 416, headers: { ...headers, "content-range": `bytes */${file.size}` } });
  const { first, last } = range === "all" ? { first: 0, last: file.size - 1 } : range;
  return new Response(readFile(pool, file, first, last), {
    status: range === "all" ? 200 : 206,
    headers: {
      ...headers,
      "content-length": String(last - first + 1),
      ...(range !== "all" && { "content-range": `bytes ${first}-${last}/${file.size}` }),
    },
  });
}

function closedAs(word: StandingWord | undefined): "suspended" | "paused" | "refunded" | "ended" {
  if (word === "suspended" || word === "refunded") return word;
  return word === "paused" || word === "pending" || word === "failed" ? "paused" : "ended";
}
