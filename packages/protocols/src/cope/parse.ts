import type { Parsed } from "../protocol.ts";
import { buyerOf } from "./buyer.ts";
import { factsOf } from "./facts.ts";
import { idsOf } from "./ids.ts";
import { readMessage } from "./message.ts";

/**
 * Reads the facts of one message. COPE's messages do not tell whether they are of a test.
 * @returns a refusal whose code starts with `unreadable_` for what cannot be understood; it waits for the operator
 * Source: docs.cope.com, webhooks
 */
export function parse(body: Uint8Array): Parsed {
  const read = readMessage(body);
  if (!read.ok) return read;
  const { message } = read;
  const ids = idsOf(message);
  const said = factsOf(message, ids);
  if (!said.ok) return said;
  const order = ids.order === undefined ? {} : { orderId: ids.order };
  // What says nothing (fees, payouts, unknown events) has no order to wait for.
  if (said.facts.length === 0) return { ok: true, reading: { event: message.event, ...order, facts: [] } };
  const buyer = buyerOf(message);
  return {
    ok: true,
    reading: {
      event: message.event,
      ...order,
      ...(ids.aliases.length > 0 && { aliases: ids.aliases }),
      ...(buyer && { buyer }),
      facts: said.facts,
    },
  };
}
