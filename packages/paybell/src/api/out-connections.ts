import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import { z } from "zod";
import { inTransaction } from "../db/transaction.ts";
import { newId } from "../domain/id.ts";
import { closeAlarms } from "../fulfil/alarms.ts";
import type { House } from "../house.ts";
import { addJob } from "../send/jobs.ts";
import { bringForward } from "../send/due-rows.ts";
import { tellOfHealing } from "../send/notices.ts";
import { sendSample } from "../send/sample.ts";
import {
  type Address,
  type AddressFields,
  checkSecret,
  formatNamed,
  newSecretFor,
  readAddress,
} from "./address-fields.ts";
import {
  addressOf,
  addressRows,
  changeLane,
  insertAddress,
  lockAddress,
  removeAddress,
  updateAddress,
} from "./address-rows.ts";
import { adviceOn } from "./advice.ts";
import { attemptSchema } from "./attempt-view.ts";
import type { Who } from "./auth.ts";
import { addSecrets, secretRows } from "./connection-rows.ts";
import { shownConnection } from "./connection-view.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { iso, isoInstant } from "./instant.ts";
import { eventTypes, jobSchema, makeJobs, spanBody } from "./job-view.ts";
import { notFound, problem } from "./problem.ts";

const dayMs = 86_400_000;

/** What there is for outgoing connections alone. */
export function outConnections(api: Api): void {
  const { house } = api;
  const tag = "connections";

  endpoint(
    api,
    {
      method: "delete",
      path: "/v1/connections/:id",
      tag,
      summary: "Remove an outgoing connection",
      description:
        "Nothing more goes there: what is due is given up, as a job. Address and secrets are deleted; what was sent " +
        "stays readable. To hold what is due instead, pause or disable it.",
      scope: "owner",
      answer: z.object({ id: z.string(), removed_at: isoInstant, job_id: z.string() }),
    },
    async ({ who, now, id }) => {
      await outgoing(house, who, id());
      const { accountId, modes } = who;
      const jobId = await inTransaction(house.pool, async (tx) => {
        const removed = await removeAddress(tx, { accountId, modes, id: id() }, now);
        if (!removed) throw notFound("connection");
        // Another node's clock may run behind the one that made it.
        const since = iso(removed.created_at - dayMs);
        const params = { connection_id: id(), since, until: null, types: null };
        return addJob(tx, { accountId, mode: removed.mode, kind: "drop", params }, now);
      });
      await tellOfHealing(house, { account_id: accountId, id: id() });
      await closeAlarms(house.pool, accountId, ["deliveries_failed"], id(), now);
      house.sending.look([id()]);
      house.jobsChanged();
      return { id: id(), removed_at: iso(now), job_id: jobId };
    },
  );

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/connections/:id/test",
      tag,
      summary: "Send a test event to an outgoing connection, now",
      description:
        "Also while it is paused or disabled. Sent once, to this connection alone; the answer says how it went and what to do.",
      scope: "write",
      answer: z.object({
        arrived: z.boolean(),
        /** what to do now */
        advice: z.string(),
        event_id: z.string(),
        delivery_id: z.string(),
        attempt: attemptSchema,
      }),
    },
    async ({ who, id }) => {
      const { mode, protocol } = await outgoing(house, who, id());
      const { accountId } = who;
      const [address] = await addressRows(house, accountId, [id()]);
      if (!address) throw notFound("connection");
      const secrets = await secretRows(house, accountId, [id()]);
      const sent = await sendSample(house, house.network, {
        accountId,
        mode,
        format: formatNamed(protocol),
        connection: {
          id: id(),
          address: {
            ...address,
            secrets: secrets
              .map((one) => ({ id: one.id, sealed: one.sealed, expiresAt: one.expires_at, at: one.created_at }))
              .toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1)),
          },
        },
      });
      const { attempt } = sent;
      return {
        arrived: attempt.code === null,
        advice: adviceOn(attempt, protocol),
        event_id: sent.eventId,
        delivery_id: sent.deliveryId,
        attempt: {
          number: 1,
          at: iso(attempt.at),
          node: sent.node,
          dns_ms: tenths(attempt.dnsMs),
          connect_ms: tenths(attempt.connectMs),
          tls_ms: tenths(attempt.tlsMs),
          first_byte_ms: tenths(attempt.firstByteMs),
          total_ms: tenths(attempt.totalMs) ?? 0,
          status: attempt.status,
          code: attempt.code,
          sentence: attempt.sentence,
          answer: attempt.answer,
        },
      };
    },
  );

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/connections/:id/recover",
      tag,
      summary: "Bring an outgoing connection what it missed",
      description:
        "`failed`: what failed for good is tried again. `missing`: events that never had a delivery there, such as those " +
        "from before it was made, get one, by its filters. `all`: both. At the pace of the connection, as jobs.",
      scope: "write",
      status: 202,
      body: spanBody.extend({
        events: eventTypes.optional(),
        what: z.enum(["failed", "missing", "all"]).default("failed"),
      }),
      answer: z.object({ data: z.array(jobSchema) }),
    },
    async ({ who, body, now, id }) => {
      const { mode } = await outgoing(house, who, id());
      return { data: await makeJobs(house, who, mode, kindsOf[body.what], { ...body, connection_id: id() }, now) };
    },
  );
}

const kindsOf = { failed: ["recover"], missing: ["fill"], all: ["recover", "fill"] } as const;

/** @throws the problems `not_found`, `not_outgoing` */
async function outgoing(house: House, who: Who, id: string): Promise<{ mode: Mode; protocol: string }> {
  const shown = await shownConnection(house, who, id);
  if (shown.direction === "out") return shown;
  const detail =
    "This is for outgoing connections. An incoming one is disabled, not removed: its notifications hang on it.";
  throw problem(409, "not_outgoing", detail);
}

/** @returns its id, and the secret where one was made */
export async function connectAddress(
  house: House,
  who: Who,
  body: AddressFields & {
    readonly protocol: string;
    readonly name: string;
    readonly mode: Mode;
    readonly secrets?: readonly string[] | undefined;
    readonly provider_account?: string | undefined;
  },
  now: Instant,
): Promise<{ id: string; made: string | undefined }> {
  if (body.provider_account !== undefined) {
    const message = "only for incoming connections (direction: in)";
    const errors = [{ path: "provider_account", message }];
    throw problem(422, "invalid_request", `provider_account: ${message}.`, { errors });
  }
  const format = formatNamed(body.protocol);
  const address = await readAddress(undefined, body, format, house.network.nets);
  const given = body.secrets?.length ? body.secrets : undefined;
  for (const [index, secret] of (given ?? []).entries()) await checkSecret(secret, format, `secrets.${index}`);
  const made = given ? undefined : newSecretFor(format);
  const id = newId(now);
  const { accountId } = who;
  await inTransaction(house.pool, async (tx) => {
    await tx.query(
      `insert into connection (account_id, id, direction, protocol, provider_account, name, mode, created_at)
       values ($1, $2, 'out', $3, $4, $5, $6, $7)`,
      [accountId, id, format.name, id, body.name, body.mode, new Date(now)],
    );
    await insertAddress(house, tx, { accountId, id, mode: body.mode, format: format.name }, address, now);
    await addSecrets(house, tx, accountId, id, given ?? [made!], now);
  });
  return { id, made };
}

export async function changeAddress(
  house: House,
  who: Who,
  id: string,
  body: AddressFields & {
    readonly name?: string | undefined;
    readonly paused?: boolean | undefined;
    readonly disabled?: boolean | undefined;
  },
  now: Instant,
): Promise<void> {
  const { accountId, modes } = who;
  const afresh = await inTransaction(house.pool, async (tx) => {
    const row = await lockAddress(tx, { accountId, modes, id });
    if (!row) throw notFound("connection");
    const before = addressOf(house, row);
    const after = await readAddress(before, body, formatNamed(row.format), house.network.nets);
    const switchedOn =
      (body.paused === false && row.paused_at !== null) || (body.disabled === false && row.disabled_at !== null);
    const leadsElsewhere = targetOf(before) !== targetOf(after);
    await updateAddress(house, tx, { accountId, id }, after, now);
    if (body.name !== undefined)
      await tx.query("update connection set name = $3 where account_id = $1 and id = $2", [accountId, id, body.name]);
    const { paused, disabled } = body;
    await changeLane(tx, { accountId, id }, { paused, disabled, afresh: switchedOn || leadsElsewhere }, now);
    return switchedOn || leadsElsewhere;
  });
  if (afresh) {
    await bringForward(house.pool, id, now);
    await tellOfHealing(house, { account_id: accountId, id });
  }
  house.sending.look([id]);
}

function targetOf({ target }: Address): string {
  return JSON.stringify([target.url, target.headers, target.tls ?? null]);
}

/** Of milliseconds; what is finer is noise. */
function tenths(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}
