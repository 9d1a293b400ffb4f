import type { Mode } from "@paybell/protocols/domain/fact";
import type { PoolClient } from "pg";
import { transpose } from "../db/rows.ts";
import { normaliseEmail } from "../domain/email.ts";
import { newId } from "../domain/id.ts";
import type { Opening } from "../record/stored.ts";
import type { NewCustomer } from "./announce-customers.ts";

/**
 * One customer id for each notification. The unique address (or reference) decides a race between nodes.
 * @returns `made`: those that are new; `written`: their rows are on their way
 */
export async function customersFor(
  tx: PoolClient,
  wanted: readonly Opening[],
  reference: (notification: Opening) => string | undefined,
): Promise<{ customers: string[]; made: NewCustomer[]; written: Promise<unknown> }> {
  let written: Promise<unknown> = Promise.resolve();
  const allMade: NewCustomer[] = [];
  const found = new Map<string, string>();
  const signed = wanted.flatMap((one) => {
    const name = reference(one);
    return name === undefined ? [] : [{ one, name }];
  });
  if (signed.length > 0) {
    const candidates = signed.map(({ one }) => newId(one.receivedAt));
    const { rows } = await tx.query<{ account_id: string; mode: Mode; reference: string; id: string }>({
      name: "customers_by_reference",
      text: `
        insert into customer (account_id, id, mode, reference, created_at)
        select distinct on (account_id, mode, reference) account_id, id, mode, reference, created_at
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[]) as t (account_id, id, mode, reference, created_at)
        order by account_id, mode, reference
        on conflict (account_id, mode, reference) do update set reference = excluded.reference
        returning account_id, mode, reference, id`,
      values: transpose(
        signed.map(({ one, name }, index) => [
          one.accountId,
          candidates[index],
          one.mode,
          name,
          new Date(one.receivedAt),
        ]),
      ),
    });
    for (const row of rows) found.set(JSON.stringify([row.account_id, row.mode, "reference", row.reference]), row.id);
    // A customer who is new takes the typed address; an existing one only after it was confirmed from that mailbox.
    const made = signed.flatMap(({ one }, index) =>
      rows.some((row) => row.id === candidates[index]) ? [{ one, id: candidates[index]! }] : [],
    );
    const emails = await addFirstEmails(tx, made);
    allMade.push(
      ...made.map(({ one, id }) => ({
        ...newCustomer(one, id, emails.get(id) ?? null),
        ...unnamed,
        reference: reference(one)!,
      })),
    );
  }
  const unsigned = wanted.filter((one) => reference(one) === undefined);
  if (unsigned.length > 0) {
    const known = await customersByEmail(tx, unsigned);
    written = known.written;
    allMade.push(...known.made);
    for (const [key, id] of known.byEmail) found.set(key, id);
  }
  const customers = wanted.map((one) => {
    const name = reference(one);
    return found.get(
      JSON.stringify(name === undefined ? emailKey(one) : [one.accountId, one.mode, "reference", name]),
    )!;
  });
  return { customers, made: allMade, written };
}

/** Of a customer known by the vendor's reference nothing else is taken from the checkout. */
const unnamed = { firstName: null, lastName: null, country: null, language: null };

function newCustomer(one: Opening, id: string, email: string | null): NewCustomer {
  const { firstName = null, lastName = null, country = null, language = null } = one.reading.buyer;
  return {
    accountId: one.accountId,
    mode: one.mode,
    customerId: id,
    at: one.receivedAt,
    email,
    firstName,
    lastName,
    country,
    language,
    reference: null,
  };
}

/** @returns addresses by customer; one that belongs to another customer stays there */
async function addFirstEmails(
  tx: PoolClient,
  made: readonly { one: Opening; id: string }[],
): Promise<Map<string, string>> {
  if (made.length === 0) return new Map();
  const { rows } = await tx.query<{ customer_id: string; email: string }>({
    name: "add_first_emails",
    text: `
      insert into customer_email (account_id, mode, email, customer_id, added_at)
      select * from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[])
      on conflict (account_id, mode, email) do nothing
      returning customer_id, email`,
    values: transpose(
      made.map(({ one, id }) => [
        one.accountId,
        one.mode,
        normaliseEmail(one.reading.buyer.email),
        id,
        new Date(one.receivedAt),
      ]),
    ),
  });
  return new Map(rows.map((row) => [row.customer_id, row.email]));
}

function emailKey(one: Opening): string[] {
  return [one.accountId, one.mode, "email", normaliseEmail(one.reading.buyer.email)];
}

async function customersByEmail(
  tx: PoolClient,
  unsigned: readonly Opening[],
): Promise<{ byEmail: Map<string, string>; made: NewCustomer[]; written: Promise<unknown> }> {
  const first = [...new Map(unsigned.map((one) => [JSON.stringify(emailKey(one)), one])).entries()].toSorted(
    ([a], [b]) => (a < b ? -1 : 1),
  );
  const candidates = first.map(([, one]) => [
    one.accountId,
    one.mode,
    normaliseEmail(one.reading.buyer.email),
    newId(one.receivedAt),
    new Date(one.receivedAt),
  ]);
  const { rows } = await tx.query<{ account_id: string; mode: Mode; email: string; customer_id: string }>({
    name: "customers_by_email",
    text: `
      insert into customer_email (account_id, mode, email, customer_id, added_at)
      select * from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[])
      on conflict (account_id, mode, email) do update set email = excluded.email
      returning account_id, mode, email, customer_id`,
    values: transpose(candidates),
  });
  const byEmail = new Map(
    rows.map((row) => [JSON.stringify([row.account_id, row.mode, "email", row.email]), row.customer_id]),
  );
  const made = first.flatMap(([key, one], index) =>
    byEmail.get(key) === candidates[index]![3]
      ? [newCustomer(one, byEmail.get(key)!, normaliseEmail(one.reading.buyer.email))]
      : [],
  );
  if (made.length === 0) return { byEmail, made, written: Promise.resolve() };
  const written = tx.query({
    name: "add_customers",
    text: `
        insert into customer (account_id, id, mode, first_name, last_name, country, language, created_at)
        select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[])`,
    values: transpose(
      made.map((one) => [
        one.accountId,
        one.customerId,
        one.mode,
        one.firstName,
        one.lastName,
        one.country,
        one.language,
        new Date(one.at),
      ]),
    ),
  });
  return { byEmail, made, written };
}
