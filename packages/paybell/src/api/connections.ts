import type { Instant } from "@paybell/protocols/domain/day";
import { z } from "zod";
import { inTransaction } from "../db/transaction.ts";
import { newId, newToken, sha256 } from "../domain/id.ts";
import { protocolNamed, protocols } from "../domain/protocols.ts";
import type { House } from "../house.ts";
import { addressFields } from "./address-fields.ts";
import type { Who } from "./auth.ts";
import { addSecrets, connectionRows } from "./connection-rows.ts";
import { connectionSchema, shownConnection, shownConnections } from "./connection-view.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { checkedOptions, openedOptions, type OptionRow, storedOptions } from "./connection-options.ts";
import { changeAddress, connectAddress } from "./out-connections.ts";
import { page, pageOf, pageQuery } from "./paging.ts";
import { notFound, problem } from "./problem.ts";
import { newSecretOf, secretText } from "./secrets.ts";

const nameSchema = z.string().trim().min(1).max(200);

/** A secret made here is shown once, in this answer. */
const withSecret = z.intersection(connectionSchema, z.object({ secret: z.string().optional() }));

export function connections(api: Api): void {
  const { house } = api;
  const tag = "connections";

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/connections",
      tag,
      summary: "Connect a provider, or an address that events go to",
      description:
        "`in`: a provider's notifications come to the connection's `url`. `out`: events go to the `url` given, in the " +
        "format named by `protocol` (standard-webhooks, copecart, digistore24). Without secrets one is made and shown once.",
      scope: "owner",
      status: 201,
      body: z.looseObject({
        direction: z.enum(["in", "out"]).default("in"),
        protocol: z.string().max(50),
        name: nameSchema,
        secrets: z.array(secretText).max(20).optional(),
        mode: z.enum(["live", "test"]).optional(),
        /** in: connections fed by one account at the provider share it: the same fact is then counted once */
        provider_account: z.string().trim().min(1).max(200).optional(),
        /** in: what the protocol asks for beside secrets, such as an API key */
        options: z.record(z.string(), z.string().trim().min(1).max(20_000)).optional(),
        ...addressFields.shape,
      }),
      answer: withSecret,
    },
    async ({ who, body, now }) => {
      const mode = body.mode ?? who.mode;
      if (!who.modes.includes(mode) && who.keyMode === "test")
        throw problem(403, "mode_forbidden", "A test key makes test connections only.");
      if (body.direction === "in") refuseAddressFields(body);
      else refuseUnknown(body, ["direction", "protocol", "name", "secrets", "mode"]);
      const { id, made } =
        body.direction === "out"
          ? await connectAddress(house, who, { ...body, mode }, now)
          : await connectProvider(house, who, { ...body, mode }, now);
      const shown = await shownConnection(house, { ...who, modes: [mode] }, id);
      return { ...shown, ...(made !== undefined && { secret: made }) };
    },
  );

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/connections",
      tag,
      summary: "List connections, newest first",
      scope: "read",
      query: pageQuery.extend({ direction: z.enum(["in", "out"]).optional() }),
      answer: pageOf(connectionSchema),
    },
    async ({ who, query }) => {
      const { rows, next_cursor } = page(
        await connectionRows(house, { accountId: who.accountId, modes: [who.mode], ...query }),
        query.limit,
      );
      return { data: await shownConnections(house, who, rows), next_cursor };
    },
  );

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/connections/:id",
      tag,
      summary: "One connection, with its health",
      scope: "read",
      answer: connectionSchema,
    },
    ({ who, id }) => shownConnection(house, who, id()),
  );

  endpoint(
    api,
    {
      method: "patch",
      path: "/v1/connections/:id",
      tag,
      summary: "Change, pause or disable a connection",
      description:
        "Of an outgoing one everything but its format and mode. What is due to a paused or disabled one is held; switched " +
        "on again, its failures are forgotten and it is sent.",
      scope: "owner",
      body: z.looseObject({
        name: nameSchema.optional(),
        disabled: z.boolean().optional(),
        /** out: what is due is held */
        paused: z.boolean().optional(),
        /** in: `null` takes one away; those not named stay */
        options: z.record(z.string(), z.string().trim().min(1).max(20_000).nullable()).optional(),
        ...addressFields.shape,
      }),
      answer: connectionSchema,
    },
    async ({ who, body, now, id }) => {
      const before = await shownConnection(house, who, id());
      if (before.direction === "out") {
        refuseUnknown(body, ["name", "disabled", "paused"]);
        await changeAddress(house, who, id(), body, now);
      } else {
        refuseAddressFields(body);
        await changeProvider(house, who, id(), body, now);
      }
      return shownConnection(house, who, id());
    },
  );
}

/** Somebody who names an address means a connection out; silence would make one in. */
function refuseAddressFields(body: object): void {
  const errors = ["paused", ...Object.keys(addressFields.shape)]
    .filter((path) => path in body)
    .map((path) => ({ path, message: "only for outgoing connections (direction: out)" }));
  if (errors[0]) throw problem(422, "invalid_request", `${errors[0].path}: ${errors[0].message}.`, { errors });
}

async function connectProvider(
  house: House,
  who: Who,
  body: {
    readonly protocol: string;
    readonly name: string;
    readonly mode: "live" | "test";
    readonly secrets?: readonly string[] | undefined;
    readonly provider_account?: string | undefined;
    readonly options?: Readonly<Record<string, string>> | undefined;
  },
  now: Instant,
): Promise<{ id: string; made: string | undefined }> {
  const protocol = protocols.find(({ name }) => name === body.protocol);
  if (!protocol) {
    const known = protocols.map(({ name }) => name).join(", ");
    throw problem(422, "protocol_unknown", `There is no protocol of that name. Known: ${known}.`, {
      errors: [{ path: "protocol", message: `one of ${known}` }],
    });
  }
  const given = body.secrets?.length ? body.secrets : undefined;
  const made = given || protocol.secretBy !== undefined ? undefined : newSecretOf(protocol);
  const id = newId(now);
  const options = checkedOptions(protocol, {}, body.options ?? {});
  await inTransaction(house.pool, async (tx) => {
    const token = newToken();
    await tx.query(
      `insert into connection (account_id, id, direction, protocol, provider_account, name, mode, token_hash, token_sealed, created_at, options, options_sealed)
       values ($1, $2, 'in', $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [
        who.accountId,
        id,
        body.protocol,
        body.provider_account ?? id,
        body.name,
        body.mode,
        sha256(token),
        house.seal.seal(token, `connection:${id}`),
        new Date(now),
        ...storedOptions(house, id, options),
      ],
    );
    await addSecrets(house, tx, who.accountId, id, given ?? (made === undefined ? [] : [made]), now);
  });
  house.connectionsChanged();
  return { id, made };
}

async function changeProvider(
  house: House,
  who: Who,
  id: string,
  body: {
    readonly name?: string | undefined;
    readonly disabled?: boolean | undefined;
    readonly options?: Readonly<Record<string, string | null>> | undefined;
  },
  now: Instant,
): Promise<void> {
  await inTransaction(house.pool, async (tx) => {
    const { rows } = await tx.query<OptionRow>(
      `update connection set
         name = coalesce($4, name),
         disabled_at = case when $5::boolean is null then disabled_at when $5 then coalesce(disabled_at, $6) end
       where account_id = $1 and id = $2 and mode = any($3)
       returning protocol, options, options_sealed`,
      [who.accountId, id, who.modes, body.name ?? null, body.disabled ?? null, new Date(now)],
    );
    if (!rows[0]) throw notFound("connection");
    if (!body.options) return;
    const options = checkedOptions(protocolNamed(rows[0].protocol), openedOptions(house, id, rows[0]), body.options);
    await tx.query("update connection set options = $3, options_sealed = $4 where account_id = $1 and id = $2", [
      who.accountId,
      id,
      ...storedOptions(house, id, options),
    ]);
  });
  house.connectionsChanged();
}

/** A filter that was misspelt must not mean: everything. */
function refuseUnknown(body: object, own: readonly string[]): void {
  const unknown = Object.keys(body).filter((name) => !own.includes(name) && !(name in addressFields.shape));
  if (unknown.length === 0) return;
  const errors = unknown
    .slice(0, 50)
    .map((path) => ({ path, message: "is no field of an outgoing connection, or cannot be changed" }));
  throw problem(422, "invalid_request", `The body does not fit: ${unknown[0]} ${errors[0]!.message}.`, { errors });
}
