import type { Protocol } from "../protocol.ts";
import { answer } from "./answer.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";
import { options, verify } from "./verify.ts";

/** PayPal's form messages, of buttons, carts and older subscriptions. Source: PayPal "Instant Payment Notification" */
export const paypalIpn: Protocol = {
  name: "paypal-ipn",
  secretBy: "nobody",
  options,
  verify,
  parse,
  answer,
  redact,
};
