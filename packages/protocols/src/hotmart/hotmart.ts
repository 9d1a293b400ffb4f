import type { Protocol } from "../protocol.ts";
import { answer } from "./answer.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";
import { verify } from "./verify.ts";

/** Hotmart's webhooks, version 2.0.0. Source: Hotmart "Webhook 2.0" */
export const hotmart: Protocol = {
  name: "hotmart",
  secretBy: "provider",
  secretHeaders: ["x-hotmart-hottok"],
  verify,
  parse,
  answer,
  redact,
};
