import type { Protocol } from "../protocol.ts";
import { answer } from "./answer.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";
import { verify } from "./verify.ts";

/** The CopeCart IPN. Source: CopeCart "IPN" 1.6.7, 2025-06-17 */
export const copecart: Protocol = { name: "copecart", verify, parse, answer, redact };
