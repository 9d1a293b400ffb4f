import { encodeBase64 } from "../base64.ts";
import type { Format } from "../format.ts";
import { testEvent } from "../test-event.ts";
import { readSecret } from "./secret.ts";
import { sign } from "./sign.ts";

/**
 * Every event as JSON, signed with all active secrets at once.
 * Source: Standard Webhooks 1.0.0
 */
export const standardWebhooks: Format = {
  name: "standard-webhooks",
  events: null,
  schedule: "standard-webhooks",

  newSecret: (random) => `whsec_${encodeBase64(random)}`,

  secretFault(secret) {
    const material = readSecret(secret);
    if ("fault" in material) return material.fault;
    if (material.kind === "public")
      return "This is a public key (whpk_): it verifies, and signing takes the private one (whsk_).";
    return undefined;
  },

  render({ type, at, data }) {
    // The data goes out as it was printed: numbers and the order of names stay what they were.
    const head = `{"type":${JSON.stringify(type)},"timestamp":"${new Date(at).toISOString()}"`;
    return new TextEncoder().encode(`${head},"data":${data}}`);
  },

  async sign(body, { id, at, secrets }) {
    const timestamp = Math.floor(at / 1000);
    return {
      headers: {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": await sign({ id, timestamp, body }, secrets),
      },
      body,
    };
  },

  accepts: ({ status }) => status >= 200 && status <= 299,

  sample: () => ({ type: testEvent, data: '{"test":true}' }),
};
