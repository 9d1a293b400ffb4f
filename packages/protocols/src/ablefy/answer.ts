import type { Answer, Outcome } from "../protocol.ts";

/**
 * Any 2xx is a success, the body is ignored. Where the seller chose "repeat until success" all else comes again every three
 * hours for a day, otherwise never.
 * Source: ablefy help, webhooks
 */
export function answer(outcome: Outcome): Answer {
  switch (outcome) {
    case "stored":
      return text(200, "OK");
    case "refused":
      return text(401, "refused");
    case "unavailable":
      return text(503, "unavailable");
    default:
      return outcome satisfies never;
  }
}

function text(status: number, body: string): Answer {
  return { status, headers: { "content-type": "text/plain" }, body };
}
