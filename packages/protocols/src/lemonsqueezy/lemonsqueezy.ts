import type { Protocol } from "../protocol.ts";
import { answer } from "./answer.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";
import { verify } from "./verify.ts";

/** Lemon Squeezy. Source: Lemon Squeezy, webhooks, autumn 2026 */
export const lemonsqueezy: Protocol = {
  name: "lemonsqueezy",
  secretLength: 40,
  options: [
    {
      name: "api_key",
      required: false,
      secret: true,
      description:
        "An API key (Lemon Squeezy, Settings, API), recommended for subscriptions: a renewal names neither product nor order, and an order does not tell that it is a subscription; with a key both are asked for.",
    },
  ],
  verify,
  parse,
  answer,
  redact,
};
