import type { Protocol } from "../protocol.ts";
import { answer } from "./answer.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";
import { verify } from "./verify.ts";

/** Paddle Billing. Paddle Classic is another protocol. Source: Paddle Billing, webhooks, autumn 2026 */
export const paddle: Protocol = {
  name: "paddle",
  secretBy: "provider",
  options: [
    {
      name: "api_key",
      required: false,
      secret: true,
      description:
        "An API key that may read customers and transactions (Paddle, Developer tools, Authentication): Paddle's messages hold no e-mail address, so who bought is asked for; without a key the checkout has to pass email in custom_data.",
    },
  ],
  verify,
  parse,
  answer,
  redact,
};
