import { type Instant, parseInstant } from "../domain/day.ts";
import { id, isObject, label, readObject, type Unreadable, unreadable, type Values } from "../values.ts";

/** One message of COPE, whichever of its two shapes it came in. */
export type Message = {
  /** without the prefix `cope.` that one receiver saw */
  readonly event: string;
  /** what the message is about: `data` of the CloudEvents shape, or the flat body itself */
  readonly payload: Values;
  /** `<kind>:<identifier>` */
  readonly subject?: { readonly kind: string; readonly id: string };
  /** what follows the event's name in the message's id or its business key, `payment.sale.succeeded:0f6c2b1e` */
  readonly keys: readonly string[];
  readonly at?: Instant;
  /** the person was taken out of it */
  readonly redacted: boolean;
};

/**
 * COPE's reference pages show CloudEvents 1.0, its sample application a flat body with `event_type`; both are read.
 * @returns unreadable_encoding, unreadable_json, unreadable_shape, unreadable_event, unreadable_data
 * Source: docs.cope.com, webhooks; sample application; CloudEvents 1.0, structured JSON
 */
export function readMessage(body: Uint8Array): { readonly ok: true; readonly message: Message } | Unreadable {
  const read = readObject(body);
  if (!read.ok) return read;
  const { value } = read;
  const wrapped = !isNothing(value["specversion"]);
  const data = wrapped ? value["data"] : value;
  const payload = isObject(data) ? data : {};
  const name = label((wrapped ? value["type"] : undefined) ?? payload["event_type"]);
  if (name === undefined) {
    return isDashboardTest(value)
      ? { ok: true, message: { event: "test", payload: {}, keys: [], redacted: false } }
      : unreadable("event", "The message names no event: neither type nor event_type can be read.");
  }
  if (wrapped && !isNothing(data) && !isObject(data))
    return unreadable("data", "The field data of this message is not an object with fields.");
  const event = name.replace(/^cope\./, "");
  const subject = subjectOf(value["subject"]);
  const at = parseInstant(payload["occurred_at"], "UTC") ?? parseInstant(value["time"], "UTC");
  const keys = [payload["idempotency_key"], value["idempotency_key"], wrapped ? value["id"] : undefined];
  return {
    ok: true,
    message: {
      event,
      payload,
      ...(subject && { subject }),
      keys: keys.flatMap((key) => keyOf(key, event) ?? []),
      ...(at !== undefined && { at }),
      redacted: value["redacted"] === true,
    },
  };
}

/** The dashboard's test message has neither shape, only a sentence that says so. */
export function isDashboardTest(value: Values): boolean {
  const { message } = value;
  return typeof message === "string" && /\btest\W{0,3}webhook|webhook\W{0,3}test/i.test(message);
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null;
}

function subjectOf(value: unknown): Message["subject"] {
  const text = id(value);
  const colon = text?.indexOf(":") ?? -1;
  const [kind, identifier] = [text?.slice(0, colon), text?.slice(colon + 1)];
  return colon > 0 && kind && identifier ? { kind, id: identifier } : undefined;
}

function keyOf(value: unknown, event: string): string | undefined {
  const text = id(value)?.replace(/^cope\./, "");
  return text?.startsWith(`${event}:`) ? text.slice(event.length + 1) || undefined : undefined;
}
