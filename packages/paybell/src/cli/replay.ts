import { parseInstant } from "@paybell/protocols/domain/day";
import { isId } from "../domain/id.ts";
import { createPaybell } from "../paybell.ts";
import { command } from "./command.ts";
import { failure, wrongUsage } from "./failure.ts";
import { commandLog, parseSpan, readStoreSettings, storeFlags, type StoreSettings } from "./settings.ts";
import { openStore } from "./store.ts";

export const replay = command({
  name: "replay",
  description: "Read kept notifications again and apply them; what is booked already stays as it is",
  positionals: [{ name: "ids", description: "of notifications; without any, those that wait", many: true }],
  flags: {
    ...storeFlags,
    since: { type: "string", description: "all that arrived since then", valueHint: "2h|3d|2026-02-01" },
  },
  async run({ flags, positionals, output }) {
    const settings = readStoreSettings(flags);
    const wrong = positionals.find((id): boolean => !isId(id));
    if (wrong !== undefined) throw wrongUsage("id_invalid", `"${wrong}" is no id of a notification.`);
    if (flags.since !== undefined && positionals.length > 0)
      throw wrongUsage("choice_unclear", "Name either notifications or --since, not both.");
    const since = flags.since === undefined ? undefined : readSince(flags.since, settings.timeZone ?? "Europe/Berlin");
    const log = commandLog();
    const paybell = await createPaybell({ ...settings, log });
    try {
      const ids = since === undefined ? await found(settings, positionals) : await arrivedSince(settings, since);
      const { replayed } = await paybell.replay(ids);
      await paybell.settle();
      output.say(replayed === 1 ? "1 notification was read again." : `${replayed} notifications were read again.`);
      output.data({ type: "replayed", notifications: replayed });
    } finally {
      await paybell.stop();
    }
    return 0;
  },
});

function readSince(text: string, zone: string): number {
  const span = parseSpan(text);
  const at = span === undefined ? parseInstant(text.length === 10 ? `${text}T00:00` : text, zone) : Date.now() - span;
  if (at === undefined)
    throw wrongUsage(
      "since_invalid",
      "--since is a span such as 2h or 3d, or a date such as 2026-02-01 or 2026-02-01T10:00.",
    );
  return at;
}

/** undefined: none were named, so all that wait */
async function found(settings: StoreSettings, ids: readonly string[]): Promise<readonly string[] | undefined> {
  if (ids.length === 0) return undefined;
  const known = await idsWhere(settings, "id = any($1::uuid[])", ids);
  const missing = ids.find((id) => !known.includes(id));
  if (missing !== undefined)
    throw failure("notification_unknown", `There is no notification ${missing} in this store.`);
  return ids;
}

function arrivedSince(settings: StoreSettings, since: number): Promise<readonly string[]> {
  return idsWhere(settings, "received_at >= $1", new Date(since));
}

async function idsWhere(settings: StoreSettings, condition: string, value: unknown): Promise<string[]> {
  const store = await openStore(settings, commandLog());
  try {
    const { rows } = await store.pool.query<{ id: string }>(
      `select id from notification where ${condition} order by received_at, id`,
      [value],
    );
    return rows.map(({ id }) => id);
  } finally {
    await store.close();
  }
}
