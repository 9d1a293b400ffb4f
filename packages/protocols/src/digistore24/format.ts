import type { Format } from "../format.ts";
import { newPassphrase, passphraseFault } from "../passphrase.ts";
import { testEvent } from "../test-event.ts";
import { secretInTurn } from "../turn.ts";
import { readForm } from "./form.ts";
import { messageOf } from "./message.ts";
import { occasions } from "./occasions.ts";
import { render } from "./render.ts";
import { shaSign } from "./sha-sign.ts";

/**
 * Payment events as Digistore24's generic IPN sends them.
 * Source: Digistore24 "IPN" 1.6
 */
export const digistore24Format: Format = {
  name: "digistore24",
  events: [...occasions.keys(), testEvent],
  schedule: "digistore24",
  newSecret: newPassphrase,
  secretFault: (secret) => passphraseFault(secret, 63),

  render(event) {
    const message = messageOf(event);
    return message && render(message);
  },

  async sign(body, attempt) {
    const signature = await shaSign(readForm(body), secretInTurn(attempt));
    const tail = new TextEncoder().encode(`&sha_sign=${signature}`);
    const signed = new Uint8Array(body.length + tail.length);
    signed.set(body);
    signed.set(tail, body.length);
    return { headers: { "Content-Type": "application/x-www-form-urlencoded" }, body: signed };
  },

  accepts: ({ status, body }) => status === 200 && body.startsWith("OK"),

  sample: () => ({ type: testEvent, data: '{"test":true}' }),
};
