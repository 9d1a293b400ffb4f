import type { Mode } from "@paybell/protocols/domain/fact";
import { transpose } from "../db/rows.ts";
import { sha256 } from "../domain/id.ts";
import type { AccountSettings } from "../domain/settings.ts";
import type { House } from "../house.ts";
import type { Scope } from "./auth.ts";

/** A key that is valid now, and the account it acts for where that is another. */
export type KeyRow = {
  account_id: string;
  id: string;
  scope: Scope;
  mode: Mode;
  name: string;
  settings: AccountSettings;
  parent_id: string | null;
  child_id: string | null;
  child_name: string | null;
  child_settings: AccountSettings | null;
};

/** @param childId an account that the key's own account created */
export type FindKey = (key: string, childId: string | null) => Promise<KeyRow | undefined>;

/**
 * Looks keys up, those of one turn of the event loop in one statement. What was found is remembered for a second at most,
 * and only while this node hears of every change: a revoked key is useless at once on every node.
 */
export function createFindKey(house: Pick<House, "pool" | "keysVersion">): FindKey {
  const remembered = new Map<string, { readonly row: KeyRow; readonly version: number; readonly at: number }>();
  let waiting = new Map<string, Asked>();
  let underWay = 0;
  let planned = false;

  return (key, childId) =>
    new Promise((resolve, reject) => {
      const hash = sha256(key);
      const name = `${hash.toString("base64")} ${childId ?? ""}`;
      const known = remembered.get(name);
      if (known?.version === house.keysVersion() && performance.now() - known.at < rememberedMs)
        return resolve(known.row);
      const asked = waiting.get(name) ?? { name, hash, childId, answers: [] };
      asked.answers.push({ resolve, reject });
      waiting.set(name, asked);
      plan();
    });

  function plan(): void {
    // Under load what comes meanwhile shares the next statement, and the store keeps connections for other things.
    if (planned || underWay >= mostAtOnce || waiting.size === 0) return;
    planned = true;
    setImmediate(() => void ask());
  }

  async function ask(): Promise<void> {
    const batch = [...waiting.values()];
    waiting = new Map();
    planned = false;
    underWay++;
    const version = house.keysVersion();
    const at = performance.now();
    try {
      const rows = await keyRows(house, batch);
      for (const [index, { name, answers }] of batch.entries()) {
        const row = rows.get(index);
        if (row && version !== null && remembered.size < mostRemembered) remembered.set(name, { row, version, at });
        else remembered.delete(name);
        for (const { resolve } of answers) resolve(row);
      }
      if (remembered.size >= mostRemembered) remembered.clear();
    } catch (error) {
      for (const { answers } of batch) for (const { reject } of answers) reject(error);
    }
    underWay--;
    plan();
  }
}

const mostAtOnce = 1;
const rememberedMs = 1000;
const mostRemembered = 1000;

type Asked = {
  readonly name: string;
  readonly hash: Buffer;
  readonly childId: string | null;
  readonly answers: { resolve: (row: KeyRow | undefined) => void; reject: (error: unknown) => void }[];
};

/** @returns rows by position */
async function keyRows({ pool }: Pick<House, "pool">, asked: readonly Asked[]): Promise<Map<number, KeyRow>> {
  const { rows } = await pool.query<KeyRow & { position: number }>({
    name: "api_keys_by_hash",
    text: `
      select t.position, k.account_id, k.id, k.scope, k.mode, a.name, a.settings, a.parent_id,
             child.id as child_id, child.name as child_name, child.settings as child_settings
      from unnest($1::bytea[], $2::uuid[], $3::integer[]) as t (hash, child_id, position)
      join api_key k on k.hash = t.hash and k.revoked_at is null
      join account a on a.id = k.account_id
      left join account child on child.id = t.child_id and child.parent_id = a.id`,
    values: transpose(asked.map(({ hash, childId }, position) => [hash, childId, position])),
  });
  return new Map(rows.map((row) => [row.position, row]));
}
