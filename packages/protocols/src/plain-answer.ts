import type { Answer, Outcome } from "./protocol.ts";

/** The answer of providers that go by the status alone, or by the two bytes `OK` with it. */
export function plainAnswer(outcome: Outcome): Answer {
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
