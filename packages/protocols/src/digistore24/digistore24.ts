import type { Protocol } from "../protocol.ts";
import { answer } from "./answer.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";
import { verify } from "./verify.ts";

/** The generic IPN of Digistore24. Source: Digistore24 "IPN" 1.6 */
export const digistore24: Protocol = { name: "digistore24", verify, parse, answer, redact, showsAccess: true };
