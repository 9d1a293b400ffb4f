import type { Instant } from "@paybell/protocols/domain/day";
import { z } from "zod";
import { inTransaction, type Tx } from "../db/transaction.ts";
import { newId } from "../domain/id.ts";
import { accountSettings, type AccountSettings } from "../domain/settings.ts";
import { lockCustomers } from "../ledger/held-rows.ts";
import type { Who } from "./auth.ts";
import { ensureRetention } from "../send/retention.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { iso, isoInstant } from "./instant.ts";
import { page, pageOf, pageQuery } from "./paging.ts";
import { problem } from "./problem.ts";

const accountSchema = z.object({
  id: z.string(),
  /** the account that created it */
  parent_id: z.string().nullable(),
  name: z.string(),
  /** what differs from the defaults */
  settings: accountSettings,
  created_at: isoInstant,
});

const nameSchema = z.string().trim().min(1).max(200);

/** Null takes a setting back to its default. */
const settingsPatch = z.object(
  Object.fromEntries(Object.entries(accountSettings.shape).map(([name, schema]) => [name, schema.nullable()])),
);

export function accounts(api: Api): void {
  const { house } = api;
  const tag = "accounts";

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/account",
      tag,
      summary: "The account and its settings",
      scope: "read",
      answer: accountSchema,
    },
    ({ who }) => own(api, who),
  );

  endpoint(
    api,
    {
      method: "patch",
      path: "/v1/account",
      tag,
      summary: "Change the account's name and settings",
      description: "Given settings are changed, null takes one back to its default. Access is computed again at once.",
      scope: "owner",
      liveOnly: true,
      body: z.object({ name: nameSchema.optional(), settings: settingsPatch.optional() }),
      answer: accountSchema,
    },
    async ({ who, body, now }) => {
      const days = body.settings?.retention_days;
      if (typeof days === "number") await ensureRetention(house.pool, now, days);
      await inTransaction(house.pool, async (tx) => {
        const { rows } = await tx.query<{ settings: AccountSettings }>(
          "select settings from account where id = $1 for update",
          [who.accountId],
        );
        const before = rows[0]!.settings;
        const merged = Object.entries({ ...before, ...body.settings }).filter(([, value]) => value != null);
        const after = accountSettings.parse(Object.fromEntries(merged));
        await tx.query("update account set name = coalesce($2, name), settings = $3 where id = $1", [
          who.accountId,
          body.name ?? null,
          JSON.stringify(after),
        ]);
        if (deciding.some((name) => before[name] !== after[name])) await makeAllDue(tx, who.accountId, now);
      });
      house.keysChanged();
      await house.applyDue();
      return own(api, who);
    },
  );

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/accounts",
      tag,
      summary: "Create an account of its own",
      description: "For platforms: act for it with the header Paybell-Account, or make it keys of its own.",
      scope: "owner",
      liveOnly: true,
      status: 201,
      body: z.object({ name: nameSchema, settings: accountSettings.default({}) }),
      answer: accountSchema,
    },
    async ({ who, body, now }) => {
      demandParentless(who);
      const id = newId(now);
      if (body.settings.retention_days) await ensureRetention(house.pool, now, body.settings.retention_days);
      await house.pool.query(
        `with made as (
           insert into account (id, parent_id, name, settings, created_at) values ($1, $2, $3, $4, $5) returning id
         )
         insert into lane (account_id, id, transport) select id, id, 'mail' from made`,
        [id, who.accountId, body.name, JSON.stringify(body.settings), new Date(now)],
      );
      return { id, parent_id: who.accountId, name: body.name, settings: body.settings, created_at: iso(now) };
    },
  );

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/accounts",
      tag,
      summary: "List the accounts this one created, newest first",
      scope: "owner",
      liveOnly: true,
      query: pageQuery,
      answer: pageOf(accountSchema),
    },
    async ({ who, query }) => {
      demandParentless(who);
      const { rows: found } = await house.pool.query<AccountRow>(
        `select id, parent_id, name, settings, created_at from account
         where parent_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3 + 1`,
        [who.accountId, query.cursor ?? null, query.limit],
      );
      const { rows, next_cursor } = page(found, query.limit);
      return { data: rows.map((row) => ({ ...row, created_at: iso(row.created_at) })), next_cursor };
    },
  );
}

/** Settings an item's state depends on. */
const deciding = ["grace_days", "trial_grace_hours", "time_zone"] as const;

type AccountRow = {
  id: string;
  parent_id: string | null;
  name: string;
  settings: AccountSettings;
  created_at: Instant;
};

function demandParentless(who: Who): void {
  if (who.account.parentId !== null)
    throw problem(403, "not_a_platform", "An account that was created by another one has none of its own.");
}

async function own({ house }: Api, who: Who): Promise<z.input<typeof accountSchema>> {
  const { rows } = await house.pool.query<AccountRow>(
    "select id, parent_id, name, settings, created_at from account where id = $1",
    [who.accountId],
  );
  const row = rows[0]!;
  return { ...row, created_at: iso(row.created_at) };
}

/** Under the customers' locks, so that what is being booked right now does not write over it. */
async function makeAllDue(tx: Tx, accountId: string, now: Instant): Promise<void> {
  const { rows } = await tx.query<{ customer_id: string }>(
    "select distinct customer_id from item where account_id = $1 and product_id is not null",
    [accountId],
  );
  if (rows.length === 0) return;
  await lockCustomers(
    tx,
    rows.map((row) => ({ accountId, customerId: row.customer_id })),
  );
  await tx.query("update item set due_at = $2 where account_id = $1 and product_id is not null", [
    accountId,
    new Date(now),
  ]);
}
