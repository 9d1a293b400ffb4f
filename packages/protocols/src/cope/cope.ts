import type { Protocol } from "../protocol.ts";
import { answer } from "./answer.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";
import { verify } from "./verify.ts";

/** The webhooks of COPE, the platform that follows CopeCart. Source: docs.cope.com and COPE's sample application */
export const cope: Protocol = { name: "cope", secretBy: "provider", verify, parse, answer, redact };
