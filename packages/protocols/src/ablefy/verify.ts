import type { Instant } from "../domain/day.ts";
import type { Incoming, Known, RefusalCode, Undecided, Verdict } from "../protocol.ts";
import { confirm } from "./confirm.ts";
import { readMessage } from "./message.ts";

/**
 * ablefy signs nothing: whoever knows the address can send anything to it. So a message is a hint, and ablefy is asked
 * whether it is true. What says nothing (lessons, unknown events) is not asked about.
 * @returns undecided with what to ask (its address holds the API's key and secret: it must not be logged); or a refusal:
 *          not_this_protocol, secret_missing, denied_by_provider
 * Source: ablefy help, API: `key` and `secret` as query parameters; host and paths as in published clients of the API,
 * none of which shows a whole reply
 */
export async function verify(
  { body }: Incoming,
  _secrets: readonly string[],
  _now: Instant,
  known?: Known,
): Promise<Verdict> {
  const read = readMessage(body);
  if (!read.ok)
    return refusal("not_this_protocol", "This is no message of ablefy's: it names no event that can be read.");
  const result = confirm(read.message, known?.replies ?? []);
  switch (result.kind) {
    case "needless":
    case "confirmed":
      return { ok: true };
    case "denied":
      return refusal(
        "denied_by_provider",
        "ablefy knows nothing of what this message tells: somebody invented it, or the API key is that of another account.",
      );
    case "wanted":
      return undecided("ablefy is asked whether this message is true.", result.path, known);
    case "not_yet":
      return again("ablefy says that this payment has not been made yet; it is asked again.", result.path, known);
    case "locked":
      return again(
        "ablefy does not accept the API's key and secret: enter those the account's settings show now; then it is asked again.",
        result.path,
        known,
      );
    case "mute":
      return again("ablefy gave no answer that says anything; it is asked again.", result.path, known);
    default:
      return result satisfies never;
  }
}

function undecided(sentence: string, path: string, known: Known | undefined): Verdict {
  const [key, secret] = ["api_key", "api_secret"].map((name) => known?.options?.[name]?.trim() ?? "");
  if (!key || !secret)
    return refusal(
      "secret_missing",
      "This connection has no key and secret of ablefy's API yet: without them nobody can tell whether a message is true.",
    );
  const query = new URLSearchParams({ key, secret });
  const url = `https://api.myablefy.com/api/${path}?${query.toString()}`;
  return {
    ok: false,
    code: "undecided",
    sentence,
    ask: { method: "GET", url, headers: { accept: "application/json" } },
  } satisfies Undecided;
}

function again(sentence: string, path: string, known: Known | undefined): Verdict {
  const verdict = undecided(sentence, path, known);
  return !verdict.ok && verdict.code === "undecided" ? { ...verdict, again: true } : verdict;
}

function refusal(code: RefusalCode, sentence: string): Verdict {
  return { ok: false, code, sentence };
}
