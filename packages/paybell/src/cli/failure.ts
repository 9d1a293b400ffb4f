import { isUnavailable } from "../db/pool.ts";

/** A command that ends without having done what it was asked: one sentence for a person, a code for scripts. */
export type Failure = Error & { readonly code: string; readonly exit: 1 | 2 };

/** To be thrown when the command could not do its work. */
export function failure(code: string, sentence: string): Failure {
  return Object.assign(new Error(sentence), { code, exit: 1 as const });
}

/** To be thrown when the command was called wrongly. */
export function wrongUsage(code: string, sentence: string): Failure {
  return Object.assign(new Error(sentence), { code, exit: 2 as const });
}

/** What is said of anything thrown: its own code and sentence where it has them. */
export function explain(thrown: unknown): { readonly code: string; readonly sentence: string; readonly exit: 1 | 2 } {
  const error: Partial<Failure> & Error = thrown instanceof Error ? thrown : new Error("Something was thrown.");
  if (isOurs(error)) return { code: error.code, sentence: error.message, exit: error.exit === 2 ? 2 : 1 };
  if (isUnavailable(error)) {
    const reason = error.message || error.code || "no answer";
    return { code: "store_unavailable", sentence: `The store cannot be reached: ${reason}.`, exit: 1 };
  }
  const kind = error.code ? `${error.name} ${error.code}` : error.name;
  return { code: "internal", sentence: `Something went wrong inside Paybell: ${kind}: ${error.message}`, exit: 1 };
}

/** Our codes are words in lower case; those of the system and of PostgreSQL are not. */
function isOurs(error: Partial<Failure> & Error): error is Error & { code: string; exit?: 1 | 2 } {
  return typeof error.code === "string" && /^[a-z]+(_[a-z]+)+$/.test(error.code);
}
