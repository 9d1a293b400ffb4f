import type { Answer, Outcome } from "../protocol.ts";

/**
 * Any 2xx is delivered. Never 410, which switches the sender off for good.
 * Source: Standard Webhooks 1.0.0, "Response"
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
