import type { Protocol } from "../protocol.ts";
import { answer } from "./answer.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";
import { verify } from "./verify.ts";

/**
 * The webhooks of ablefy, formerly elopage. They are not signed: each is a hint, which ablefy confirms when it is asked.
 * Source: ablefy help, webhooks and API; field names as in published captures
 */
export const ablefy: Protocol = {
  name: "ablefy",
  secretBy: "nobody",
  options: [
    {
      name: "api_key",
      required: true,
      secret: true,
      description:
        "The key of ablefy's API, from the account's settings under API: ablefy is asked with it whether a message is true.",
    },
    {
      name: "api_secret",
      required: true,
      secret: true,
      description: "The secret of ablefy's API, which is shown beside the key.",
    },
  ],
  verify,
  parse,
  answer,
  redact,
};
