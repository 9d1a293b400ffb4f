import { constants } from "node:fs";
import { access, readFile, stat, statfs } from "node:fs/promises";
import { createTransport } from "nodemailer";
import type { Pool } from "pg";
import { readMigrations } from "../db/migrate.ts";
import { createSeal } from "../db/seal.ts";
import { explain } from "./failure.ts";
import { isWebAddress } from "./settings.ts";

/** One thing that was looked at. */
export type Finding = {
  readonly what: string;
  readonly state: "good" | "note" | "bad";
  /** how it stands, and what to do about it */
  readonly sentence: string;
};

const good = (what: string, sentence: string): Finding => ({ what, state: "good", sentence });
const note = (what: string, sentence: string): Finding => ({ what, state: "note", sentence });
const bad = (what: string, sentence: string): Finding => ({ what, state: "bad", sentence });

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) return bad("Node", `${version} is too old: install Node 24.`);
  if (major === 20) return note("Node", `${version} works, but gets no security fixes any more: install Node 24.`);
  return good("Node", version);
}

/** @returns nothing when the folder is not there: then there is nothing to find in it */
export async function checkFolder(folder: string): Promise<Finding[]> {
  const what = "Data folder";
  const there = await stat(folder).catch(() => undefined);
  if (!there) return [note(what, `${folder} does not exist yet: "paybell serve" makes it.`)];
  if (!there.isDirectory()) return [bad(what, `${folder} is not a folder: choose another with --data.`)];
  const writable = await access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!writable)
    return [bad(what, `This user may not write into ${folder}: run as its owner, or hand it over with chown.`)];
  const { bavail, bsize } = await statfs(folder);
  return [good(what, folder), checkSpace(bavail * bsize)];
}

export function checkSpace(freeBytes: number): Finding {
  const free = `${(freeBytes / 2 ** 30).toFixed(1)} GiB free`;
  if (freeBytes < 0.2 * 2 ** 30) return bad("Disk", `${free}: notifications will soon be refused. Make space.`);
  return freeBytes < 2 ** 30 ? note("Disk", `${free}: make space before it runs out.`) : good("Disk", free);
}

/** Reads the key without making one. */
export async function checkMasterKey(
  given: string | undefined,
  file: string,
): Promise<{ finding: Finding; key?: Buffer }> {
  const what = "Master key";
  const text = given ?? (await readFile(file, "utf8").catch(() => undefined));
  const source = given === undefined ? file : "PAYBELL_MASTER_KEY";
  if (text === undefined) return { finding: note(what, `There is none yet: "paybell serve" makes ${file}.`) };
  const key = Buffer.from(text.trim(), "base64");
  if (key.length !== 32)
    return {
      finding: bad(what, `What is in ${source} is not 32 bytes in Base64: put the right key back from your backup.`),
    };
  const mode = given === undefined ? (await stat(file)).mode : 0;
  if (process.platform !== "win32" && (mode & 0o077) !== 0)
    return { finding: bad(what, `Others may read ${file}: chmod 600 ${file}`), key };
  return { finding: good(what, `${source}. Keep a copy away from this machine.`), key };
}

/** The store's version, schema, key and clock, and what waits in it. */
export async function checkStore(pool: Pool, key: Buffer | undefined): Promise<Finding[]> {
  const { rows } = await pool.query<{ version: string; now: number; has: boolean }>(
    `select current_setting('server_version') as version, clock_timestamp() as now,
            to_regclass('migration') is not null as has`,
  );
  const { version, now, has } = rows[0]!;
  const gapMs = Math.abs(Date.now() - now);
  const major = Number.parseInt(version, 10);
  const findings = [
    major < 15
      ? bad("Store", `PostgreSQL ${version} is too old: Paybell needs 15 or newer.`)
      : good("Store", `PostgreSQL ${version}`),
    gapMs > 5_000
      ? bad("Clock", `This machine and the store are ${Math.round(gapMs / 1000)} s apart: let both keep time by NTP.`)
      : good("Clock", "agrees with the store's"),
  ];
  if (!has) return [...findings, note("Schema", 'It is empty: "paybell serve" fills it.')];
  const schema = await checkSchema(pool);
  findings.push(schema);
  if (schema.state !== "good") return findings;
  findings.push(...(await checkSeal(pool, key)), ...(await checkWaiting(pool)));
  return findings;
}

async function checkSchema(pool: Pool): Promise<Finding> {
  const wanted = await readMigrations();
  const { rows } = await pool.query<{ version: number; checksum: string }>("select version, checksum from migration");
  const newer = rows.filter((row) => !wanted.some(({ version }) => version === row.version)).length;
  if (newer > 0) return bad("Schema", "It was made by a newer release: run that one.");
  const changed = rows.some((row) => wanted.find(({ version }) => version === row.version)?.checksum !== row.checksum);
  if (changed)
    return bad("Schema", "It was made by another text of a step than this release has: run the release that made it.");
  const missing = wanted.length - rows.length;
  if (missing > 0) return note("Schema", `${missing} steps behind this release: "paybell serve" takes them.`);
  return good("Schema", `up to date, ${wanted.length} ${wanted.length === 1 ? "step" : "steps"}`);
}

async function checkSeal(pool: Pool, key: Buffer | undefined): Promise<Finding[]> {
  const { rows } = await pool.query<{ id: string; sealed: Buffer }>("select id, sealed from installation");
  const made = rows[0];
  if (!made) return [];
  if (!key) return [bad("Secrets", "The store has a master key, and it is not here: put it back from your backup.")];
  try {
    if (createSeal(key).open(made.sealed, "installation") === made.id)
      return [good("Secrets", "The master key opens them.")];
  } catch {
    // said below
  }
  return [bad("Secrets", "They were sealed with another master key: start with the one this store was made with.")];
}

async function checkWaiting(pool: Pool): Promise<Finding[]> {
  const { rows } = await pool.query<{ waiting: number; unmapped: string[] | null }>(
    `select (select count(*)::int from notification where state = 'waiting') as waiting,
            (select array_agg(distinct protocol || ' ' || product_key) from item where product_id is null and product_key <> '') as unmapped`,
  );
  const { waiting = 0, unmapped } = rows[0] ?? {};
  const names = unmapped ?? [];
  const shown = `${names.slice(0, 5).join(", ")}${names.length > 5 ? " …" : ""}`;
  return [
    waiting === 0
      ? good("Waiting", "no notification waits")
      : note(
          "Waiting",
          `${waiting} ${waiting === 1 ? "notification waits" : "notifications wait"}: see GET /v1/waiting, then "paybell replay".`,
        ),
    names.length === 0
      ? good("Products", "all that were sold are mapped")
      : note(
          "Products",
          `${names.length} sold and not mapped, so they open nothing (${shown}): map them with POST /v1/products.`,
        ),
  ];
}

/** Connects, greets, and logs in where the address holds a login; no mail is sent. */
export async function checkMail(smtpUrl: string | undefined): Promise<Finding> {
  const what = "Mail";
  if (smtpUrl === undefined) return note(what, "SMTP_URL is not set: mails are kept and shown, not sent.");
  const url = URL.canParse(smtpUrl) ? new URL(smtpUrl) : undefined;
  if (!url || !/^smtps?:$/.test(url.protocol) || url.hostname === "")
    return bad(what, "SMTP_URL must look like smtp://user:password@host:587 or smtps://user:password@host:465.");
  const transport = createTransport({
    url: smtpUrl,
    connectionTimeout: 5_000,
    greetingTimeout: 5_000,
    socketTimeout: 5_000,
    dnsTimeout: 5_000,
  });
  try {
    await transport.verify();
    return good(what, `${url.host} answers`);
  } catch (error) {
    const { code }: { code?: string } = Object(error);
    if (code === "EAUTH")
      return bad(what, `${url.host} does not accept the login: check user and password in SMTP_URL.`);
    return bad(what, `${url.host} does not answer (${code ?? "unknown"}): check SMTP_URL and the way to that server.`);
  } finally {
    transport.close();
  }
}

export function checkPublicUrl(text: string | undefined): Finding {
  const what = "Public URL";
  if (text === undefined)
    return note(
      what,
      "PAYBELL_PUBLIC_URL is not set: links in mails lead to this machine, and providers cannot reach it.",
    );
  if (!isWebAddress(text)) return bad(what, `"${text}" is no address: it looks like https://pay.example.com`);
  const { protocol, hostname } = new URL(text);
  const isLocal = /^(localhost|127\.|\[::1\])/.test(hostname);
  if (protocol === "http:" && !isLocal)
    return bad(what, `${text} is not encrypted, and the addresses in it are secrets: use https.`);
  return isLocal ? note(what, `${text} is this machine alone: providers cannot reach it.`) : good(what, text);
}

export function unreachable(error: unknown): Finding {
  const { sentence, code } = explain(error);
  return bad("Store", `${sentence} (${code})`);
}
