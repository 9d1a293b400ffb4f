import { readObject, type Values } from "../values.ts";
import type { Known, Reply, Undecided } from "../protocol.ts";
import { parse } from "./parse.ts";
import { inside } from "../objects.ts";
import { entityOf } from "./replied.ts";

/**
 * What has to be asked of Paddle before the message says everything: of a sale, whose `customer_id` it is; of a refund
 * of some lines, which products they are.
 * @returns undefined: nothing (more), or there is no key to ask with
 * Source: Paddle Billing, API, "Get a customer", "Get a transaction"
 */
export function enquiryFor(body: Uint8Array, known: Known): Undecided | undefined {
  const apiKey = known.options?.["api_key"];
  if (!apiKey) return undefined;
  const read = readObject(body);
  if (!read.ok) return undefined;
  const path = pathOf(read.value, body);
  if (path === undefined) return undefined;
  const reply = known.replies?.at(-1);
  if (reply && decided(reply)) return undefined;
  const host = known.mode === "test" ? "sandbox-api.paddle.com" : "api.paddle.com";
  return {
    ok: false,
    code: "undecided",
    sentence: reply ? silent(reply) : "Paddle is asked for what the message does not hold (the buyer's address).",
    ask: {
      method: "GET",
      url: `https://${host}/${path}`,
      headers: { authorization: `Bearer ${apiKey}`, accept: "application/json" },
    },
    ...(reply && { again: true }),
  };
}

/** Only what acts is worth a question. The ids go into an address, so their form is looked at first. */
function pathOf(message: Values, body: Uint8Array): string | undefined {
  const parsed = parse(body);
  if (!parsed.ok || parsed.reading.facts.length === 0) return undefined;
  const data = inside(message, "data");
  if (!parsed.reading.event.startsWith("adjustment.")) {
    const customer = data["customer_id"];
    return isId(customer, "ctm_") ? `customers/${customer}` : undefined;
  }
  const transaction = data["transaction_id"];
  return data["type"] === "partial" && isId(transaction, "txn_") ? `transactions/${transaction}` : undefined;
}

function isId(value: unknown, prefix: string): value is string {
  return typeof value === "string" && value.startsWith(prefix) && /^[a-z]{3}_[a-zA-Z0-9]{1,64}$/.test(value);
}

/** Paddle not knowing the id is a word, too: the message is genuine all the same, and says what it says alone. */
function decided(reply: Reply): boolean {
  return reply.status === 404 || entityOf(reply) !== undefined;
}

function silent({ status }: Reply): string {
  if (status === 401 || status === 403)
    return `Paddle refused the API key (${status}): see that it belongs to this account, live or sandbox as the connection is, and may read customers and transactions. It is asked again.`;
  return `Paddle did not say what was asked (${status}); it is asked again.`;
}
