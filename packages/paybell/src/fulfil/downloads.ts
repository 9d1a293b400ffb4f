import { createHash } from "node:crypto";
import type { Instant } from "@paybell/protocols/domain/day";
import type { Pool, PoolClient } from "pg";
import type { Context } from "../context.ts";
import { inTransaction, type Tx } from "../db/transaction.ts";

export type DownloadFile = {
  readonly accountId: string;
  readonly productId: string;
  readonly name: string;
  readonly contentType: string;
  /** bytes */
  readonly size: number;
  /** SHA-256: names this version of the file */
  readonly digest: Buffer;
  readonly uploadedAt: Instant;
};

export type Upload = Pick<DownloadFile, "accountId" | "productId" | "name" | "contentType"> & {
  readonly bytes: ReadableStream<Uint8Array>;
};

/** 256 MiB */
export const largestFile = 256 * 1024 * 1024;
const pieceSize = 1024 * 1024;

/**
 * Keeps a product's file, piece by piece as it arrives, in place of the one before. Who downloads meanwhile gets
 * the old one or, if it is gone, an end; never a mixture.
 * @returns the file, or why not: `too_large`, `empty`, `broken` (the sender stopped in the middle), `busy` (another
 * upload for this product is under way)
 */
export async function storeFile(
  { pool, clock }: Pick<Context, "pool" | "clock">,
  upload: Upload,
): Promise<DownloadFile | Refused["why"] | "busy"> {
  let read = false;
  const refusal = new Refused();
  try {
    return await inTransaction(pool, async (tx) => {
      if (read) throw new Error("The bytes of an upload can be read once only.");
      const { rows } = await tx.query<{ got: boolean }>(
        "select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as got",
        [`download:${upload.accountId}:${upload.productId}`],
      );
      if (!rows[0]?.got) return "busy";
      read = true;
      await removePieces(tx, upload);
      const hash = createHash("sha256");
      let size = 0;
      let position = 0;
      for await (const piece of piecesOf(arriving(upload.bytes, refusal))) {
        size += piece.length;
        if (size > largestFile) {
          refusal.why = "too_large";
          throw refusal;
        }
        hash.update(piece);
        await tx.query({
          name: "add_download_piece",
          text: "insert into download_piece (account_id, product_id, position, bytes) values ($1, $2, $3, $4)",
          values: [upload.accountId, upload.productId, position++, piece],
        });
      }
      if (size === 0) {
        refusal.why = "empty";
        throw refusal;
      }
      const { bytes: _, ...rest } = upload;
      const file = { ...rest, size, digest: hash.digest(), uploadedAt: clock() };
      await writeFile(tx, file);
      return file;
    });
  } catch (error) {
    if (error === refusal) return refusal.why;
    throw error;
  }
}

/** Rolls the upload back. */
class Refused extends Error {
  why: "too_large" | "empty" | "broken" = "empty";
}

/** @returns whether there was a file */
export async function removeFile(
  { pool }: Pick<Context, "pool">,
  accountId: string,
  productId: string,
): Promise<boolean> {
  return inTransaction(pool, async (tx) => {
    await removePieces(tx, { accountId, productId });
    const { rowCount } = await tx.query("delete from download_file where account_id = $1 and product_id = $2", [
      accountId,
      productId,
    ]);
    return rowCount === 1;
  });
}

/** What is known of a product's file, without its bytes. */
export async function fileOf(
  tx: Pick<PoolClient, "query">,
  accountId: string,
  productId: string,
): Promise<DownloadFile | null> {
  const { rows } = await tx.query<{
    name: string;
    content_type: string;
    size: bigint;
    digest: Buffer;
    uploaded_at: Instant;
  }>(
    "select name, content_type, size, digest, uploaded_at from download_file where account_id = $1 and product_id = $2",
    [accountId, productId],
  );
  const row = rows[0];
  return row
    ? {
        accountId,
        productId,
        name: row.name,
        contentType: row.content_type,
        size: Number(row.size),
        digest: row.digest,
        uploadedAt: row.uploaded_at,
      }
    : null;
}

/**
 * The bytes from `first` to `last`, read when they are wanted. Ends with an error when the file is replaced on the
 * way: the rest would be another file's.
 */
export function readFile(pool: Pool, file: DownloadFile, first: number, last: number): ReadableStream<Uint8Array> {
  let at = first;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const position = Math.floor(at / pieceSize);
        const { rows } = await pool.query<{ bytes: Buffer }>({
          name: "read_download_piece",
          text: `
            select p.bytes from download_piece p
            join download_file f on f.account_id = p.account_id and f.product_id = p.product_id
            where p.account_id = $1 and p.product_id = $2 and p.position = $3 and f.digest = $4`,
          values: [file.accountId, file.productId, position, file.digest],
        });
        const bytes = rows[0]?.bytes;
        if (!bytes) throw new Error("The file was replaced while it was being downloaded.");
        const from = at - position * pieceSize;
        const part = bytes.subarray(from, Math.min(bytes.length, from + last + 1 - at));
        at += part.length;
        controller.enqueue(new Uint8Array(part));
        if (at > last) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

async function removePieces(tx: Tx, of: { accountId: string; productId: string }): Promise<void> {
  await tx.query("delete from download_piece where account_id = $1 and product_id = $2", [of.accountId, of.productId]);
}

async function writeFile(tx: Tx, file: DownloadFile): Promise<void> {
  await tx.query(
    `insert into download_file (account_id, product_id, name, content_type, size, digest, uploaded_at)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (account_id, product_id) do update
       set name = excluded.name, content_type = excluded.content_type, size = excluded.size, digest = excluded.digest,
           uploaded_at = excluded.uploaded_at`,
    [file.accountId, file.productId, file.name, file.contentType, file.size, file.digest, new Date(file.uploadedAt)],
  );
}

async function* arriving(bytes: ReadableStream<Uint8Array>, refusal: Refused): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (cause) {
    refusal.why = "broken";
    refusal.cause = cause;
    throw refusal;
  }
}

/** Of one size, but for the last. */
async function* piecesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let waiting: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    waiting.push(chunk);
    length += chunk.length;
    if (length < pieceSize) continue;
    let all = Buffer.concat(waiting, length);
    while (all.length >= pieceSize) {
      yield all.subarray(0, pieceSize);
      all = all.subarray(pieceSize);
    }
    waiting = [all];
    length = all.length;
  }
  if (length > 0) yield Buffer.concat(waiting, length);
}
