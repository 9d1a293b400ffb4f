import type { Protocol } from "../protocol.ts";
import { answer } from "./answer.ts";
import { parse } from "./parse.ts";
import { isProbe } from "./probe.ts";
import { redact } from "./redact.ts";
import { withoutSecret } from "./secret.ts";
import { verify } from "./verify.ts";

/**
 * ThriveCart's account webhooks and event subscriptions.
 * Their secret stands in the body: what is kept is `withoutSecret(body)`. When an address is saved it is probed, and a probe
 * (`isProbe`) needs a 2xx.
 * Source: ThriveCart "Using webhook notifications"; API "Event subscriptions", 2026
 */
export const thrivecart: Protocol = {
  name: "thrivecart",
  secretBy: "provider",
  verify,
  parse,
  answer,
  redact,
  withoutSecret,
  isProbe,
};
