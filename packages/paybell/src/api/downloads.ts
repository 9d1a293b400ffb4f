import { getMimeType } from "hono/utils/mime";
import { z } from "zod";
import { type DownloadFile, fileOf, largestFile, removeFile, storeFile } from "../fulfil/downloads.ts";
import { oneLine } from "../fulfil/mails/clean.ts";
import type { Who } from "./auth.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { iso, isoInstant } from "./instant.ts";
import { notFound, problem } from "./problem.ts";

export const fileSchema = z.object({
  product_id: z.string(),
  name: z.string(),
  content_type: z.string(),
  /** bytes */
  size: z.int(),
  /** of the bytes, as hex */
  sha256: z.string(),
  uploaded_at: isoInstant,
});

/** The file a product's download links lead to. */
export function downloads(api: Api): void {
  const { house } = api;
  const tag = "products";
  const path = "/v1/products/:id/download";
  let underWay = 0;

  endpoint(
    api,
    {
      method: "put",
      path,
      tag,
      summary: "Upload the file of a product",
      description: "The bytes as they are, up to 256 MiB. Download links lead to it at once; the file before is gone.",
      scope: "write",
      liveOnly: true,
      query: z.object({
        /** as buyers will see it, with its ending */
        name: z.string().min(1).max(200).transform(fileName).pipe(z.string().min(1)),
      }),
      answer: fileSchema,
    },
    async ({ who, query, id, c }) => {
      await demandProduct(api, who, id());
      if (Number(c.req.header("content-length") ?? 0) > largestFile) throw tooLarge();
      const bytes = c.req.raw.body;
      if (!bytes) throw empty();
      if (underWay >= mostUploads) throw busy();
      underWay++;
      try {
        const file = await storeFile(house, {
          accountId: who.accountId,
          productId: id(),
          name: query.name,
          contentType: contentType(c.req.header("content-type"), query.name),
          bytes,
        });
        if (file === "too_large") throw tooLarge();
        if (file === "empty") throw empty();
        if (file === "broken") throw problem(400, "upload_broken", "The file did not arrive whole.");
        if (file === "busy") throw busy();
        return shown(file);
      } finally {
        underWay--;
      }
    },
  );

  endpoint(
    api,
    { method: "get", path, tag, summary: "What is known of the file of a product", scope: "read", answer: fileSchema },
    async ({ who, id }) => {
      const file = await fileOf(house.pool, who.accountId, id());
      if (!file) throw notFound("file");
      return shown(file);
    },
  );

  endpoint(
    api,
    {
      method: "delete",
      path,
      tag,
      summary: "Remove the file of a product",
      scope: "write",
      liveOnly: true,
      answer: z.object({ removed: z.boolean() }),
    },
    async ({ who, id }) => {
      await demandProduct(api, who, id());
      return { removed: await removeFile(house, who.accountId, id()) };
    },
  );
}

/** Each holds one connection to the store for as long as it takes. */
const mostUploads = 3;

/** @throws the problem `not_found` */
async function demandProduct({ house }: Api, who: Who, id: string): Promise<void> {
  const { rowCount } = await house.pool.query("select 1 from product where account_id = $1 and id = $2", [
    who.accountId,
    id,
  ]);
  if (!rowCount) throw notFound("product");
}

/** The last part of a path, without anything a file name cannot hold. */
function fileName(text: string): string {
  return oneLine(text.replace(/^.*[/\\]/s, ""), 200).replace(/[<>:"|?*]/g, "_");
}

/** What clients send when they were told nothing says nothing. */
function contentType(given: string | undefined, name: string): string {
  const type = given?.split(";")[0]?.trim().toLowerCase() ?? "";
  const telling = /^[\w.+-]+\/[\w.+-]+$/.test(type) && !untold.has(type);
  return telling ? type : (getMimeType(name) ?? "application/octet-stream");
}

const untold = new Set(["application/x-www-form-urlencoded", "application/octet-stream", "text/plain"]);

function shown(file: DownloadFile): z.input<typeof fileSchema> {
  return {
    product_id: file.productId,
    name: file.name,
    content_type: file.contentType,
    size: file.size,
    sha256: file.digest.toString("hex"),
    uploaded_at: iso(file.uploadedAt),
  };
}

function tooLarge() {
  return problem(413, "body_too_large", "A file can have up to 256 MiB.");
}

function empty() {
  return problem(422, "file_empty", "The file is empty.");
}

function busy() {
  return problem(503, "upload_in_progress", "Other uploads are under way. Try again shortly.", {
    headers: { "retry-after": "10" },
  });
}
