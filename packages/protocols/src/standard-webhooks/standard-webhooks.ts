import type { Protocol } from "../protocol.ts";
import { answer } from "./answer.ts";
import { readMapping } from "./mapping.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";
import { verify } from "./verify.ts";

/**
 * Whoever signs by Standard Webhooks 1.0.0. What the messages say is no part of it: the seller's mapping tells, and
 * without one they are taken for events of a system like this one.
 */
export const standardWebhooks: Protocol = {
  name: "standard-webhooks",
  secretBy: "provider",
  options: [
    {
      name: "mapping",
      required: false,
      secret: false,
      description:
        "JSON that tells where the sender's messages hold what: which events are payments, where order, product, amount and buyer stand. Not needed for another Paybell.",
      fault: (text) => faultOf(readMapping(text)),
    },
  ],
  verify: (incoming, secrets, now) => verify(incoming, secrets, now),
  parse,
  answer,
  redact,
};

function faultOf(read: ReturnType<typeof readMapping>): string | undefined {
  return "fault" in read ? read.fault : undefined;
}
