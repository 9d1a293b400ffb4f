import { randomInt } from "node:crypto";
import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { PoolClient } from "pg";
import type { Context } from "../context.ts";
import { transpose } from "../db/rows.ts";
import { newId, newToken, sha256 } from "../domain/id.ts";
import { forgetShown } from "./shown.ts";

/** A link as it stands in a mail. The token is nowhere else: we keep its hash. */
export type NewLink = {
  readonly accountId: string;
  readonly mode: Mode;
  readonly kind: "login" | "download";
  readonly itemId: string;
  readonly customerId: string;
  readonly email: string;
  readonly validDays: number;
  readonly at: Instant;
};

export type MadeLink = { readonly url: string; readonly code: string; readonly validUntil: Instant };

/** Makes links, in order; `written`: their rows are on their way. A login also gets a code, for those whose mail program eats links. */
export function makeLinks(
  context: Context,
  tx: Pick<PoolClient, "query">,
  links: readonly NewLink[],
): { made: MadeLink[]; written: Promise<unknown> } {
  if (links.length === 0) return { made: [], written: Promise.resolve() };
  const made = links.map((link) => {
    const token = newToken();
    return {
      token,
      url: `${context.publicUrl}/${link.kind}/${token}`,
      code: String(randomInt(100_000_000)).padStart(8, "0"),
      validUntil: link.at + link.validDays * 86_400_000,
    };
  });
  const written = tx.query({
    name: "make_links",
    text: `
      insert into link (account_id, id, mode, kind, item_id, customer_id, email, token_hash, code_hash, created_at, expires_at)
      select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::text[], $8::bytea[], $9::bytea[],
                           $10::timestamptz[], $11::timestamptz[])`,
    values: transpose(
      links.map((link, index) => {
        const { token, code, validUntil } = made[index]!;
        const codeHash = link.kind === "login" ? loginCodeHash(context, link.accountId, link.email, code) : null;
        return [
          link.accountId,
          newId(link.at),
          link.mode,
          link.kind,
          link.itemId,
          link.customerId,
          link.email,
          sha256(token),
          codeHash,
          new Date(link.at),
          new Date(validUntil),
        ];
      }),
    ),
  });
  return { made, written };
}

/** Makes earlier links of an item useless. */
export async function revokeLinks(
  tx: Pick<PoolClient, "query">,
  accountId: string,
  itemIds: readonly string[],
  at: Instant,
): Promise<void> {
  await forgetShown(tx, accountId, itemIds);
  await tx.query("update link set revoked_at = $3 where account_id = $1 and item_id = any($2) and revoked_at is null", [
    accountId,
    itemIds,
    new Date(at),
  ]);
}

export function loginCodeHash(context: Pick<Context, "seal">, accountId: string, email: string, code: string): Buffer {
  return context.seal.hash(code.replace(/\D/g, ""), `code:${accountId}:${email}`);
}
