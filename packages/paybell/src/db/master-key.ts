import { randomBytes } from "node:crypto";
import { mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * The key under which secrets are sealed: as given, else from its file, which is made if missing (mode 0600).
 * @param given 32 bytes as Base64
 * @param file null: no place to keep one (a store in memory)
 */
export async function masterKey(given: string | undefined, file: string | null): Promise<Uint8Array> {
  if (given !== undefined) return decode(given, "PAYBELL_MASTER_KEY");
  if (file === null) return randomBytes(32);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  try {
    await writeDurably(file, `${randomBytes(32).toString("base64")}\n`);
  } catch (error) {
    if ((error as { code?: string }).code !== "EEXIST") throw error;
  }
  return decode(await readFile(file, "utf8"), file);
}

/** The store is durable from its first commit; the key that opens it must be as well. */
async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  const folder = await open(dirname(file), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function decode(text: string, source: string): Uint8Array {
  const key = Buffer.from(text.trim(), "base64");
  if (key.length !== 32) throw new MasterKeyError(`The master key in ${source} must be 32 bytes, written as Base64.`);
  return key;
}

/** The master key is missing its form, or is not the one this store was made with. */
export class MasterKeyError extends Error {
  override readonly name = "MasterKeyError";
  readonly code = "master_key";
}
