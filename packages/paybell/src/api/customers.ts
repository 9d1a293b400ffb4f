import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import { z } from "zod";
import { ask } from "../access/ask.ts";
import { inTransaction } from "../db/transaction.ts";
import { normaliseEmail } from "../domain/email.ts";
import { newId } from "../domain/id.ts";
import type { House } from "../house.ts";
import { customerCreated } from "../ledger/announce-customers.ts";
import { signReference } from "../ledger/reference.ts";
import { addEvents } from "../send/events.ts";
import { entitlementSchema, shownEntitlement } from "./access.ts";
import type { Who } from "./auth.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { eraseCustomer } from "./erase.ts";
import { iso, isoInstant } from "./instant.ts";
import { page, pageOf, pageQuery } from "./paging.ts";
import { notFound, problem } from "./problem.ts";

const customerSchema = z.object({
  id: z.string(),
  mode: z.enum(["live", "test"]),
  /** the vendor's own name for this customer */
  reference: z.string().nullable(),
  /** the reference with the vendor's signature: pass it through the checkout (as metadata) */
  checkout_reference: z.string().nullable(),
  first_name: z.string().nullable(),
  last_name: z.string().nullable(),
  country: z.string().nullable(),
  language: z.string().nullable(),
  emails: z.array(z.string()),
  created_at: isoInstant,
  erased_at: isoInstant.nullable(),
});

const fullSchema = customerSchema.extend({
  orders: z.array(z.object({ id: z.string(), order_id: z.string(), protocol: z.string(), created_at: isoInstant })),
  entitlements: z.array(entitlementSchema),
});

export function customers(api: Api): void {
  const { house } = api;
  const tag = "customers";
  const name = z.string().trim().min(1).max(200).optional();

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/customers",
      tag,
      summary: "List customers, newest first",
      scope: "read",
      query: pageQuery.extend({ email: z.string().max(254).transform(normaliseEmail).optional() }),
      answer: pageOf(customerSchema),
    },
    async ({ who, query }) => {
      const found = await customerRows(house, { accountId: who.accountId, modes: [who.mode], ...query });
      const { rows, next_cursor } = page(found, query.limit);
      return { data: rows.map((row) => shown(house, who, row)), next_cursor };
    },
  );

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/customers/:id",
      tag,
      summary: "One customer, with orders and entitlements",
      scope: "read",
      answer: fullSchema,
    },
    ({ who, id }) => full(api, who, id()),
  );

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/customers",
      tag,
      summary: "Add a customer under the vendor's own name",
      description: "`checkout_reference` recognises the buyer at the checkout whatever address is typed there.",
      scope: "write",
      status: 201,
      body: z.object({
        reference: z.string().trim().min(1).max(200),
        email: z.email().max(254).optional(),
        first_name: name,
        last_name: name,
        country: z.string().length(2).toUpperCase().optional(),
        language: z.string().trim().min(2).max(35).optional(),
      }),
      answer: fullSchema,
    },
    async ({ who, body, now }) => {
      const id = newId(now);
      await inTransaction(house.pool, async (tx) => {
        const { rowCount } = await tx.query(
          `insert into customer (account_id, id, mode, reference, first_name, last_name, country, language, created_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (account_id, mode, reference) do nothing`,
          [
            who.accountId,
            id,
            who.mode,
            body.reference,
            body.first_name ?? null,
            body.last_name ?? null,
            body.country ?? null,
            body.language ?? null,
            new Date(now),
          ],
        );
        if (rowCount === 0) throw problem(409, "reference_taken", "There is a customer with this reference.");
        const email = body.email === undefined ? null : normaliseEmail(body.email);
        if (email !== null) {
          const added = await tx.query(
            `insert into customer_email (account_id, mode, email, customer_id, added_at) values ($1, $2, $3, $4, $5)
             on conflict (account_id, mode, email) do nothing`,
            [who.accountId, who.mode, email, id, new Date(now)],
          );
          if (added.rowCount === 0) throw problem(409, "email_taken", "This address belongs to another customer.");
        }
        const created = customerCreated({
          accountId: who.accountId,
          mode: who.mode,
          customerId: id,
          at: now,
          email,
          firstName: body.first_name ?? null,
          lastName: body.last_name ?? null,
          country: body.country ?? null,
          language: body.language ?? null,
          reference: body.reference,
        });
        await addEvents(house, tx, [created]);
      });
      return full(api, { ...who, modes: [who.mode] }, id);
    },
  );

  endpoint(
    api,
    {
      method: "delete",
      path: "/v1/customers/:id",
      tag,
      summary: "Erase a customer",
      description:
        "Personal data go everywhere, stored notifications included. Amounts, dates and order numbers stay, without the person.",
      scope: "owner",
      answer: customerSchema,
    },
    async ({ who, now, id }) => {
      await house.caughtUp();
      await one(house, who, id());
      await eraseCustomer(house, who.accountId, id(), now);
      return shown(house, who, await one(house, who, id()));
    },
  );
}

type CustomerRow = {
  id: string;
  mode: Mode;
  reference: string | null;
  first_name: string | null;
  last_name: string | null;
  country: string | null;
  language: string | null;
  emails: string[] | null;
  created_at: Instant;
  erased_at: Instant | null;
};

async function customerRows(
  { pool }: Pick<House, "pool">,
  of: {
    readonly accountId: string;
    readonly modes: readonly Mode[];
    readonly id?: string;
    readonly email?: string | undefined;
    readonly cursor?: string | undefined;
    readonly limit: number;
  },
): Promise<CustomerRow[]> {
  const { rows } = await pool.query<CustomerRow>(
    `
    select c.id, c.mode, c.reference, c.first_name, c.last_name, c.country, c.language, c.created_at, c.erased_at,
           (select array_agg(e.email order by e.added_at) from customer_email e
              where e.account_id = c.account_id and e.customer_id = c.id) as emails
    from customer c
    where c.account_id = $1 and c.mode = any($2) and ($3::uuid is null or c.id = $3)
      and ($4::text is null or c.id in (
        select e.customer_id from customer_email e where e.account_id = $1 and e.mode = any($2) and e.email = $4))
      and ($5::uuid is null or c.id < $5)
    order by c.id desc limit $6 + 1`,
    [of.accountId, of.modes, of.id ?? null, of.email ?? null, of.cursor ?? null, of.limit],
  );
  return rows;
}

async function one(house: House, who: Who, id: string): Promise<CustomerRow> {
  const [row] = await customerRows(house, { accountId: who.accountId, modes: who.modes, id, limit: 1 });
  if (!row) throw notFound("customer");
  return row;
}

async function full({ house }: Api, who: Who, id: string): Promise<z.input<typeof fullSchema>> {
  const row = await one(house, who, id);
  const { rows: orders } = await house.pool.query<{
    id: string;
    order_id: string;
    protocol: string;
    created_at: Instant;
  }>(
    "select id, order_id, protocol, created_at from orders where account_id = $1 and customer_id = $2 order by id desc limit 200",
    [who.accountId, id],
  );
  const answered = await ask(house, {
    accountId: who.accountId,
    mode: row.mode,
    who: { customerId: id },
    at: null,
  });
  return {
    ...shown(house, who, row),
    orders: orders.map((order) => ({ ...order, created_at: iso(order.created_at) })),
    entitlements: answered.entitlements.map((entitlement) => shownEntitlement(entitlement, answered, who.account.zone)),
  };
}

function shown({ seal }: House, who: Who, row: CustomerRow): z.input<typeof customerSchema> {
  return {
    ...row,
    checkout_reference: row.reference === null ? null : signReference(seal, who.accountId, row.reference),
    emails: row.emails ?? [],
    created_at: iso(row.created_at),
    erased_at: iso(row.erased_at),
  };
}
