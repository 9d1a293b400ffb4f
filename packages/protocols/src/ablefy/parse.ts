import { email, label, unreadable, type Values, word } from "../values.ts";
import type { Buyer } from "../domain/fact.ts";
import type { Known, Parsed } from "../protocol.ts";
import { confirm } from "./confirm.ts";
import { factsOf } from "./facts.ts";
import { idsOf, isOfOrder, objectIn, readMessage } from "./message.ts";

/**
 * Reads the facts of one message, as ablefy confirmed them. No message tells whether it is of a test.
 * @param known `replies` as they were when it was verified
 * @returns a refusal whose code starts with `unreadable_` for what cannot be understood; it waits for the operator
 */
export function parse(body: Uint8Array, known?: Known): Parsed {
  const read = readMessage(body);
  if (!read.ok) return read;
  const { event, kind } = read.message;
  const confirmation = confirm(read.message, known?.replies ?? []);
  if (confirmation.kind === "needless") {
    const { order } = idsOf(read.message.values);
    return { ok: true, reading: { event, ...(order && { orderId: order }), facts: [] } };
  }
  if (confirmation.kind !== "confirmed")
    return unreadable(
      "reply",
      "ablefy has not confirmed what this message tells, and unsigned as it is it says nothing.",
    );
  const { values } = confirmation;
  const said = factsOf(kind, values);
  if (!said.ok) return said;
  const { order, transfer, original } = idsOf(values);
  // Orders and transfers are counted apart.
  const aliases = (isOfOrder(kind) ? [] : [transfer, original]).flatMap((one) =>
    one === undefined ? [] : [`transfer:${one}`],
  );
  const buyer = buyerOf(values);
  return {
    ok: true,
    reading: {
      event,
      ...(order && { orderId: order }),
      ...(aliases.length > 0 && { aliases }),
      ...(buyer && { buyer }),
      facts: said.facts,
    },
  };
}

/** @returns undefined where no address is named, unless the person was taken out of the message */
function buyerOf(values: Values): Buyer | undefined {
  const payer = objectIn(values, "payer");
  const address = email(payer["email"]);
  if (address === undefined) return values["redacted"] === true && "payer" in values ? { email: "" } : undefined;
  const firstName = label(payer["first_name"]);
  const lastName = label(payer["last_name"]);
  const company = label(payer["company"]);
  const country = word(payer["country_code"]).toUpperCase();
  return {
    email: address,
    ...(firstName && { firstName }),
    ...(lastName && { lastName }),
    ...(company && { company }),
    ...(/^[A-Z]{2}$/.test(country) && { country }),
  };
}
