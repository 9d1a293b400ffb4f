import type { Instant } from "@paybell/protocols/domain/day";
import type { Format, Outgoing } from "@paybell/protocols/format";
import type { AddressOptions } from "../domain/address.ts";

/** An event as it leaves the house. `fault`: why it cannot, which the operator can put right. */
export type Written =
  | { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array<ArrayBuffer> }
  | { readonly fault: { readonly code: "secret_missing" | "not_renderable"; readonly sentence: string } };

/**
 * Renders an event in a connection's format and signs it for one attempt.
 * @param own headers the connection adds
 * @param secrets valid ones, newest first
 * @param attempt its number, from 1
 * @returns undefined: the format has no words for the event
 */
export async function write(
  format: Format,
  { money, missing }: AddressOptions,
  own: Readonly<Record<string, string>>,
  secrets: readonly string[],
  event: Outgoing,
  attempt: { readonly at: Instant; readonly number: number },
): Promise<Written | undefined> {
  if (secrets.length === 0) return fault("secret_missing", "The connection has no valid secret.");
  try {
    const rendered = format.render(event, { ...(money && { money }), ...(missing && { missing }) });
    if (!rendered) return undefined;
    const { headers, body } = await format.sign(rendered, { ...attempt, id: event.id, secrets });
    return { headers: withAgent({ ...own, ...headers }), body };
  } catch {
    return fault(
      "not_renderable",
      "The event could not be written in this format, or not signed with this connection's secret.",
    );
  }
}

function fault(code: "secret_missing" | "not_renderable", sentence: string): Written {
  return { fault: { code, sentence } };
}

/** However a format or the seller spells it, there is one. */
function withAgent(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const name in headers) if (name.toLowerCase() === "user-agent") return headers;
  return { "user-agent": "Paybell", ...headers };
}
