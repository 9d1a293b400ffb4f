import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { Outgoing } from "@paybell/protocols/format";
import { formats } from "@paybell/protocols/formats";
import type { AddressOptions } from "../domain/address.ts";
import type { House } from "../house.ts";
import { write } from "../send/write.ts";

/** An event as an outgoing connection would be sent it. `fault`: why it would not. */
export type Rendered =
  | { readonly headers: Readonly<Record<string, string>>; readonly body: string }
  | { readonly fault: { readonly code: string; readonly sentence: string } };

/** An outgoing connection as it is now. */
export type View = {
  readonly mode: Mode;
  /** @returns undefined: its format has no words for the event */
  render(event: Outgoing, at: Instant): Promise<Rendered | undefined>;
};

/**
 * What a connection would be sent, without sending it: headers and body as its format renders and signs them now, with
 * its secrets. Its own deliveries are not touched.
 * @returns undefined: there is no such outgoing connection
 */
export async function connectionView(
  { pool, seal, clock }: Pick<House, "pool" | "seal" | "clock">,
  accountId: string,
  id: string,
): Promise<View | undefined> {
  const [{ rows }, secrets] = await Promise.all([
    pool.query<{ mode: Mode; format: string; options: AddressOptions }>({
      name: "stream_address",
      text: `
        select a.mode, a.format, a.options
        from address a join connection c on c.account_id = a.account_id and c.id = a.id and c.removed_at is null
        where a.account_id = $1 and a.id = $2`,
      values: [accountId, id],
    }),
    pool.query<{ id: string; sealed: Buffer }>({
      name: "stream_secrets",
      text: `
        select id, sealed from connection_secret
        where account_id = $1 and connection_id = $2 and (expires_at is null or expires_at > $3)
        order by created_at desc, id desc`,
      values: [accountId, id, new Date(clock())],
    }),
  ]);
  const row = rows[0];
  if (!row) return undefined;
  const format = formats.get(row.format);
  if (!format) throw new Error("A connection has a format there is not.");
  // Header values are shown to nobody, as everywhere: a program on a developer's machine needs none of them.
  const opened = secrets.rows.map((one) => seal.open(one.sealed, `secret:${one.id}`));

  return {
    mode: row.mode,
    async render(event, at) {
      const written = await write(format, row.options, {}, opened, event, { at, number: 1 });
      if (!written || "fault" in written) return written;
      return { headers: written.headers, body: new TextDecoder().decode(written.body) };
    },
  };
}
