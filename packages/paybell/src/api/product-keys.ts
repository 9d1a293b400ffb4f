import { z } from "zod";
import { transpose } from "../db/rows.ts";
import { inTransaction } from "../db/transaction.ts";
import { closeAlarms } from "../fulfil/alarms.ts";
import { licenceRow, poolLevel } from "../fulfil/licence-rows.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { problem } from "./problem.ts";
import { makeItemsDue } from "./product-rows.ts";
import { lockProduct } from "./products.ts";

/** Fills a product's pool. Buyers who wait get theirs at once, in order of upload. */
export function productKeys(api: Api): void {
  const { house } = api;
  endpoint(
    api,
    {
      method: "post",
      path: "/v1/products/:id/keys",
      tag: "products",
      summary: "Upload licence keys",
      description:
        "As JSON, or as text/plain with one key on each line. Keys that are there already are counted, not refused.",
      scope: "write",
      body: z.object({ keys: z.array(z.string().trim().min(1).max(500)).min(1).max(10_000) }),
      plainText: (text) => ({ keys: text.split(/\r?\n/).filter((line) => line.trim() !== "") }),
      answer: z.object({ added: z.int(), duplicates: z.int(), left: z.int() }),
    },
    async ({ who, body, now, id }) => {
      const added = await inTransaction(house.pool, async (tx) => {
        const { config } = await lockProduct(tx, who, id());
        if (config.licence?.pattern)
          throw problem(409, "keys_are_made", "The keys of this product are made from its pattern; it has no pool.");
        if (!config.licence) {
          if (who.keyMode === "test")
            throw problem(403, "mode_forbidden", "This product has no keys yet; switch them on with a live key.");
          await tx.query(
            `update product set config = config || '{"licence": {}}', updated_at = $3 where account_id = $1 and id = $2`,
            [who.accountId, id(), new Date(now)],
          );
        }
        const { rowCount } = await tx.query(
          `insert into licence (account_id, id, mode, product_id, hash, sealed, created_at)
           select $1, id, $2, $3, hash, sealed, $4
           from unnest($5::uuid[], $6::bytea[], $7::bytea[]) with ordinality as t (id, hash, sealed, place) order by place
           on conflict (account_id, hash) do nothing`,
          [
            who.accountId,
            who.mode,
            id(),
            new Date(now),
            ...transpose(
              body.keys.map((key) => {
                const row = licenceRow(house, key, now);
                return [row.id, row.hash, row.sealed];
              }),
            ),
          ],
        );
        if (rowCount) {
          await closeAlarms(tx, who.accountId, ["key_pool_low", "key_pool_empty"], id(), now);
          await makeItemsDue(tx, who.accountId, id(), now, { withoutLicenceIn: who.mode });
        }
        return rowCount ?? 0;
      });
      await house.applyDue();
      const left = await poolLevel(house.pool, who.accountId, id(), who.mode);
      return { added, duplicates: body.keys.length - added, left };
    },
  );
}
