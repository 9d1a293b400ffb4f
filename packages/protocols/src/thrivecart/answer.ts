import type { Answer, Outcome } from "../protocol.ts";

/**
 * Any 2xx counts as delivered; everything else is sent again, on a schedule ThriveCart does not publish.
 * Source: ThriveCart "Using webhook notifications"
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
