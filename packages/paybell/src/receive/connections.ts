import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { Context } from "../context.ts";
import { sha256 } from "../domain/id.ts";

/** A connection as the door needs it. */
export type InConnection = {
  readonly accountId: string;
  readonly id: string;
  readonly name: string;
  readonly protocol: string;
  readonly providerAccount: string;
  readonly mode: Mode;
  readonly secrets: readonly { readonly secret: string; readonly expiresAt: Instant | null }[];
  /** what its protocol asks for beside secrets, by name; the sealed ones opened */
  readonly options: Readonly<Record<string, string>>;
};

export type Connections = {
  /** the connection an address names; undefined: none, or switched off */
  find(token: string): Promise<InConnection | undefined>;
  /** as it is now; undefined: switched off, or no longer there */
  read(accountId: string, id: string): Promise<InConnection | undefined>;
  forget(): void;
};

/** Remembered for a moment, so that a burst costs one look-up; other nodes notice a change within it. */
export function createConnections(context: Pick<Context, "pool" | "seal">): Connections {
  const remembered = new Map<string, { at: number; connection: Promise<InConnection | undefined> }>();
  return {
    find(token) {
      if (token.length > 100) return Promise.resolve(undefined);
      const now = performance.now();
      const known = remembered.get(token);
      if (known && now - known.at < rememberMs) return known.connection;
      if (remembered.size >= 10_000) remembered.clear();
      const connection = load(context, "c.token_hash = $1", [sha256(token)]);
      remembered.set(token, { at: now, connection });
      connection.catch(() => remembered.delete(token));
      return connection;
    },
    read: (accountId, id) => load(context, "c.account_id = $1 and c.id = $2", [accountId, id]),
    forget: () => remembered.clear(),
  };
}

/** Those of its secrets that count at this instant. */
export function activeSecrets({ secrets }: Pick<InConnection, "secrets">, at: Instant): string[] {
  return secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > at).map(({ secret }) => secret);
}

const rememberMs = 2000;

async function load(
  { pool, seal }: Pick<Context, "pool" | "seal">,
  which: string,
  values: readonly unknown[],
): Promise<InConnection | undefined> {
  const { rows } = await pool.query<{
    account_id: string;
    id: string;
    name: string;
    protocol: string;
    provider_account: string;
    mode: Mode;
    secret_id: string | null;
    sealed: Buffer;
    expires_at: Instant | null;
    options: Record<string, string>;
    options_sealed: Buffer | null;
  }>({
    name: `connection ${which}`,
    text: `
      select c.account_id, c.id, c.name, c.protocol, c.provider_account, c.mode, c.options, c.options_sealed,
             s.id as secret_id, s.sealed, s.expires_at
      from connection c left join connection_secret s on s.account_id = c.account_id and s.connection_id = c.id
      where ${which} and c.direction = 'in' and c.disabled_at is null
      order by s.created_at desc`,
    values: [...values],
  });
  const first = rows[0];
  if (!first) return undefined;
  return {
    accountId: first.account_id,
    id: first.id,
    name: first.name,
    protocol: first.protocol,
    providerAccount: first.provider_account,
    mode: first.mode,
    secrets: rows.flatMap((row) =>
      row.secret_id === null
        ? []
        : [{ secret: seal.open(row.sealed, `secret:${row.secret_id}`), expiresAt: row.expires_at }],
    ),
    options: {
      ...first.options,
      ...openOptions(seal, first.id, first.options_sealed),
    },
  };
}

export function sealedOptionsFor(connectionId: string): string {
  return `options:${connectionId}`;
}

export function openOptions(
  seal: Context["seal"],
  connectionId: string,
  sealed: Buffer | null,
): Record<string, string> {
  if (sealed === null) return {};
  return JSON.parse(seal.open(sealed, sealedOptionsFor(connectionId))) as Record<string, string>; // written by the API
}
