import type { Protocol } from "../protocol.ts";
import { answer } from "./answer.ts";
import { parse } from "./parse.ts";
import { redact, redactReply } from "./redact.ts";
import { verify } from "./verify.ts";

/**
 * Mollie's webhooks: the classic ones, which name a payment that has to be fetched, and the new ones, which are signed.
 * The same bytes are news each time: a classic call says nothing but that something about a payment has changed.
 * Source: Mollie "Webhooks", "Next-gen webhooks" and the Payments API v2, 2026
 */
export const mollie: Protocol = {
  name: "mollie",
  repeatsTell: true,
  secretBy: "provider",
  options: [
    {
      name: "api_key",
      required: true,
      secret: true,
      description:
        "The API key, live_… or test_…, from Mollie's dashboard under Developers, API keys: each payment is fetched with it.",
    },
  ],
  verify,
  parse,
  answer,
  redact,
  redactReply,
};
