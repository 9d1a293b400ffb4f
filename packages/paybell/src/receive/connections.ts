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
};

export type Connections = {
  /** the connection an address names; undefined: none, or switched off */
  find(token: string): Promise<InConnection | undefined>;
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
      const connection = load(context, token);
      remembered.set(token, { at: now, connection });
      connection.catch(() => remembered.delete(token));
      return connection;
    },
    forget: () => remembered.clear(),
  };
}

const rememberMs = 2000;

async function load({ pool, seal }: Pick<Context, "pool" | "seal">, token: string): Promise<InConnection | undefined> {
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
  }>({
    name: "connection_by_token",
    text: `
      select c.account_id, c.id, c.name, c.protocol, c.provider_account, c.mode, s.id as secret_id, s.sealed, s.expires_at
      from connection c left join connection_secret s on s.account_id = c.account_id and s.connection_id = c.id
      where c.token_hash = $1 and c.direction = 'in' and c.disabled_at is null
      order by s.created_at desc`,
    values: [sha256(token)],
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
  };
}
