import { id, label, readObject, unreadable, type Values } from "../values.ts";
import { parseDay } from "../domain/day.ts";
import type { Known, Parsed } from "../protocol.ts";
import { factsOf } from "./facts.ts";
import { type EventMapping, type Faulty, type Mapping, readMapping } from "./mapping.ts";
import { ownMapping } from "./own-mapping.ts";
import { valueAt } from "./path.ts";
import { buyerOf, modeOf } from "./told.ts";

/**
 * Reads the facts of one message by the seller's mapping (`known.options.mapping`), and without one as an event of a
 * system like this one. An event the mapping does not name is read and says nothing.
 * @returns a refusal whose code starts with `unreadable_` for what cannot be understood; it waits for the operator
 */
export function parse(body: Uint8Array, known?: Known): Parsed {
  const mapping = mappingOf(known);
  if ("fault" in mapping) return unreadable("mapping", `This connection's mapping cannot be used. ${mapping.fault}`);
  const read = readObject(body);
  if (!read.ok) return read;
  const values = read.value;
  const event = label(valueAt(values, mapping.event));
  if (event === undefined) return unreadable("event", "The message does not name its event (event of the mapping).");
  const mapped = mapping.events.get(event);
  return mapped ? readingOf(event, values, mapping, mapped) : { ok: true, reading: { event, facts: [] } };
}

/** The seller's, or ours where he gave none. */
export function mappingOf(known: Known | undefined): Mapping | Faulty {
  const text = known?.options?.["mapping"]?.trim();
  return text ? readMapping(text) : ownMapping;
}

function readingOf(event: string, values: Values, mapping: Mapping, mapped: EventMapping): Parsed {
  const orderId = id(valueAt(values, mapped.orderId));
  const aliases = mapping.aliases.flatMap(({ name, source }) => {
    const alias = id(valueAt(values, source));
    // Orders and subscriptions may each be counted from 1.
    return alias === undefined ? [] : [`${name}:${alias}`];
  });
  const about = orderId ?? aliases[0];
  if (about === undefined)
    return unreadable("order", "The message does not name its order (orderId of the mapping, or one of aliases).");
  const facts = factsOf(values, mapped, about);
  if ("ok" in facts) return facts;
  const mode = modeOf(values, mapped);
  const orderedOn = parseDay(valueAt(values, mapped.fields.orderedOn));
  const buyer = buyerOf(values, mapped);
  return {
    ok: true,
    reading: {
      event,
      ...(mode && { mode }),
      ...(orderId && { orderId }),
      ...(aliases.length > 0 && { aliases }),
      ...(orderedOn && { orderedOn }),
      ...(buyer && { buyer }),
      facts,
    },
  };
}
