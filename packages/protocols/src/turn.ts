import type { Attempt } from "./format.ts";

/** The secret of this attempt where there is room for one signature: the newest first, then each in its turn. */
export function secretInTurn({ secrets, number }: Attempt): string {
  const secret = secrets[(number - 1) % secrets.length];
  if (secret === undefined) throw new Error("secret_missing: An attempt has to come with an active secret.");
  return secret;
}
