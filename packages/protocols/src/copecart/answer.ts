import type { Answer, Outcome } from "../protocol.ts";

/**
 * CopeCart counts a notification as delivered when the status is 200 and the body is the two bytes `OK`.
 * Everything else, 4xx included, is repeated ten times within three hours.
 * Source: CopeCart "IPN" 1.6.7, answer
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
