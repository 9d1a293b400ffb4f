import type { Instant } from "@paybell/protocols/domain/day";
import { formats } from "@paybell/protocols/formats";
import { publicKeyOf } from "@paybell/protocols/standard-webhooks/key";
import { z } from "zod";
import { addressDefaults, schedules } from "../domain/address.ts";
import type { House } from "../house.ts";
import { isPrivateKey } from "./address-fields.ts";
import { addressOf, type AddressRow, addressRows } from "./address-rows.ts";
import type { Who } from "./auth.ts";
import { type ConnectionRow, connectionRows, type SecretRow, secretRows } from "./connection-rows.ts";
import { openOptions } from "../receive/connections.ts";
import { iso, isoInstant } from "./instant.ts";
import { notFound } from "./problem.ts";

const shownSecret = z.object({ id: z.string(), created_at: isoInstant, expires_at: isoInstant.nullable() });

const inSchema = z.object({
  id: z.string(),
  /** where the provider sends its notifications: the address is part of the secret */
  url: z.string(),
  direction: z.literal("in"),
  protocol: z.string(),
  provider_account: z.string(),
  name: z.string(),
  mode: z.enum(["live", "test"]),
  disabled: z.boolean(),
  created_at: isoInstant,
  secrets: z.array(shownSecret),
  /** what the protocol asks for beside secrets; of those that are secret themselves `set` alone */
  options: z.record(z.string(), z.string()),
  last_received_at: isoInstant.nullable(),
  last_refused: z.object({ at: isoInstant, reason: z.string(), sentence: z.string() }).nullable(),
  /** the provider's products that came in and are mapped to none of ours */
  unmapped_products: z.array(z.string()),
});

const outSchema = z.object({
  id: z.string(),
  /** where its events go */
  url: z.string(),
  direction: z.literal("out"),
  /** the format */
  protocol: z.string(),
  name: z.string(),
  mode: z.enum(["live", "test"]),
  created_at: isoInstant,
  /** `failing`: it is not answering as it should, and is tried again by itself */
  state: z.enum(["active", "paused", "disabled", "failing"]),
  paused: z.boolean(),
  disabled: z.boolean(),
  /** by its operator, by the address (410), or after failing for too long */
  disabled_reason: z.enum(["operator", "gone", "failing"]).nullable(),
  /** deliveries due to it; counting stops at 10,000 */
  waiting: z.int(),
  health: z.object({
    /** in a row */
    failures: z.int(),
    failing_since: isoInstant.nullable(),
    next_probe_at: isoInstant.nullable(),
    last_sent_at: isoInstant.nullable(),
    last_failure: z
      .object({ at: isoInstant, code: z.string(), sentence: z.string(), status: z.int().nullable() })
      .nullable(),
  }),
  /** `public_key`: of an Ed25519 key (whsk_), what the receiver verifies with */
  secrets: z.array(shownSecret.extend({ public_key: z.string().optional() })),
  /** null: all */
  events: z.array(z.string()).nullable(),
  products: z.array(z.string()).nullable(),
  amount: z
    .object({ min_minor: z.int().nullable(), max_minor: z.int().nullable(), currency: z.string().nullable() })
    .nullable(),
  /** names alone: a value may be a secret */
  headers: z.array(z.string()),
  has_client_certificate: z.boolean(),
  /** an authority of its own signs its server's certificate */
  has_ca: z.boolean(),
  ordered: z.boolean(),
  schedule: z.enum(schedules),
  timeout_seconds: z.int(),
  concurrency: z.int(),
  /** calls a second; null: as many as the concurrency allows */
  rate: z.number().nullable(),
  /** CopeCart's alone */
  money: z.enum(["text", "number"]).nullable(),
  missing: z.enum(["null", "omit"]).nullable(),
  disable_after_hours: z.int(),
});

export const connectionSchema = z.union([inSchema, outSchema]);

export type ShownConnection = z.input<typeof connectionSchema>;

/** @throws the problem `not_found` */
export async function shownConnection(house: House, who: Who, id: string): Promise<ShownConnection> {
  const rows = await connectionRows(house, { accountId: who.accountId, modes: who.modes, id, limit: 1 });
  const [shown] = await shownConnections(house, who, rows);
  if (!shown) throw notFound("connection");
  return shown;
}

export async function shownConnections(
  house: House,
  { accountId }: Who,
  rows: readonly ConnectionRow[],
): Promise<ShownConnection[]> {
  const ids = (of: readonly ConnectionRow[]) => of.map((row) => row.id);
  const secrets = await secretRows(house, accountId, ids(rows));
  const outgoing = rows.filter((row) => row.direction === "out");
  const addresses = new Map((await addressRows(house, accountId, ids(outgoing))).map((row) => [row.id, row]));
  const shown: ShownConnection[] = [];
  for (const row of rows) {
    const own = secrets.filter((secret) => secret.connection_id === row.id);
    const address = addresses.get(row.id);
    if (row.direction === "in") shown.push(shownIn(house, row, own));
    // Removed between the two statements: it is no longer there.
    else if (address) shown.push(await shownOut(house, row, address, own));
  }
  return shown;
}

function shownIn({ publicUrl, seal }: House, row: ConnectionRow, secrets: readonly SecretRow[]): ShownConnection {
  return {
    id: row.id,
    url: `${publicUrl}/in/${seal.open(row.token_sealed!, `connection:${row.id}`)}`,
    direction: "in",
    protocol: row.protocol,
    provider_account: row.provider_account,
    name: row.name,
    mode: row.mode,
    disabled: row.disabled_at !== null,
    created_at: iso(row.created_at),
    secrets: secrets.map(shownSecretOf),
    options: shownOptions({ seal }, row),
    last_received_at: iso(row.last_received_at),
    last_refused:
      row.refused_at === null
        ? null
        : { at: iso(row.refused_at), reason: row.refused_reason ?? "", sentence: row.refused_sentence ?? "" },
    unmapped_products: row.unmapped ?? [],
  };
}

async function shownOut(
  house: House,
  row: ConnectionRow,
  state: AddressRow,
  secrets: readonly SecretRow[],
): Promise<ShownConnection> {
  const address = addressOf(house, state);
  const { options } = address;
  const hasAmount = [address.minMinor, address.maxMinor, address.currency].some((part) => part !== null);
  const isCopecart = row.protocol === "copecart";
  return {
    id: row.id,
    url: address.target.url,
    direction: "out",
    protocol: row.protocol,
    name: row.name,
    mode: row.mode,
    created_at: iso(row.created_at),
    state: stateOf(state, house.clock()),
    paused: state.paused_at !== null,
    disabled: state.disabled_at !== null,
    disabled_reason: state.disabled_reason as "operator" | "gone" | "failing" | null,
    waiting: state.waiting,
    health: {
      failures: state.failures,
      failing_since: iso(state.failing_since),
      next_probe_at: iso(state.open_until),
      last_sent_at: iso(state.last_sent_at),
      last_failure: state.last_failure,
    },
    secrets: await Promise.all(secrets.map((secret) => shownWithPublicKey(house, secret))),
    events: address.types === null ? null : [...address.types],
    products: address.products === null ? null : [...address.products],
    amount: hasAmount ? { min_minor: address.minMinor, max_minor: address.maxMinor, currency: address.currency } : null,
    headers: Object.keys(address.target.headers),
    has_client_certificate: address.target.tls?.cert !== undefined,
    has_ca: address.target.tls?.ca !== undefined,
    ordered: address.ordered,
    schedule: options.schedule ?? (formats.get(row.protocol)!.schedule as (typeof schedules)[number]),
    timeout_seconds: options.timeout_seconds ?? addressDefaults.timeout_seconds,
    concurrency: options.concurrency ?? addressDefaults.concurrency,
    rate: options.rate ?? null,
    money: isCopecart ? (options.money ?? "text") : null,
    missing: isCopecart ? (options.missing ?? "null") : null,
    disable_after_hours: options.disable_after_hours ?? addressDefaults.disable_after_hours,
  };
}

function shownOptions({ seal }: Pick<House, "seal">, row: ConnectionRow): Record<string, string> {
  const names = Object.keys(openOptions(seal, row.id, row.options_sealed));
  return { ...row.options, ...Object.fromEntries(names.map((name) => [name, "set"])) };
}

function stateOf({ disabled_at, paused_at, failing_since, open_until }: AddressRow, now: Instant) {
  if (disabled_at !== null) return "disabled";
  if (paused_at !== null) return "paused";
  return failing_since !== null || (open_until !== null && open_until > now) ? "failing" : "active";
}

function shownSecretOf({ id, created_at, expires_at }: SecretRow): z.input<typeof shownSecret> {
  return { id, created_at: iso(created_at), expires_at: iso(expires_at) };
}

async function shownWithPublicKey({ seal }: House, row: SecretRow) {
  const secret = seal.open(row.sealed, `secret:${row.id}`);
  const publicKey = isPrivateKey(secret) ? await publicKeyOf(secret) : undefined;
  return { ...shownSecretOf(row), ...(publicKey !== undefined && { public_key: publicKey }) };
}
