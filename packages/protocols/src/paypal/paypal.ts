import type { Protocol } from "../protocol.ts";
import { answer } from "./answer.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";
import { options, verify } from "./verify.ts";

/** PayPal's webhooks, of apps that use its REST API. Source: PayPal "Webhooks" */
export const paypal: Protocol = { name: "paypal", secretBy: "nobody", options, verify, parse, answer, redact };
