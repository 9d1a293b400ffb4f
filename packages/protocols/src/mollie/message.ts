import { id, isObject, label, readObject, type Values } from "../values.ts";
import type { RefusalCode } from "../protocol.ts";

/** A call of either generation. */
export type Message =
  | { readonly kind: "classic" /** of a payment, fit to be put into an address */; readonly id: string }
  | {
      readonly kind: "event";
      /** such as `payment.paid` */
      readonly type: string;
      readonly entityId?: string;
      readonly createdAt?: unknown;
      /** as it was when the event was made; absent in a simple payload */
      readonly entity?: Values;
    };

export type Misread = { readonly code: RefusalCode; readonly sentence: string };

/**
 * Reads the form of a classic call, or the JSON of a new one.
 * @returns a refusal: id_missing, id_malformed, not_this_protocol
 * Source: Mollie "Webhooks"; "Next-gen webhooks", event object
 */
export function readMessage(body: Uint8Array): Message | Misread {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(body);
  return /^\s*[[{]/.test(text) ? readEvent(body) : readForm(text);
}

/** The shape of all of Mollie's ids: what has another never goes into an address. */
export function mollieId(value: unknown): string | undefined {
  return typeof value === "string" && /^[a-z]{2,5}_[A-Za-z0-9_]{1,64}$/.test(value) ? value : undefined;
}

function readForm(text: string): Message | Misread {
  // A leading `?` is part of the first name, which URLSearchParams would drop.
  const given = new URLSearchParams(`&${text}`).getAll("id");
  if (given.length === 0) {
    return {
      code: "id_missing",
      sentence: "The form has no field id: Mollie's classic webhooks send exactly that, such as id=tr_…",
    };
  }
  const known = given.length === 1 ? mollieId(given[0]) : undefined;
  if (known) return { kind: "classic", id: known };
  return {
    code: "id_malformed",
    sentence: "The id does not look like one of Mollie's (such as tr_…), so nobody is asked about it.",
  };
}

function readEvent(body: Uint8Array): Message | Misread {
  const read = readObject(body);
  const type = read.ok ? label(read.value["type"], 100) : undefined;
  if (!read.ok || read.value["resource"] !== "event" || type === undefined) {
    return {
      code: "not_this_protocol",
      sentence: "The body is neither the form of a classic Mollie webhook nor the JSON of one of its events.",
    };
  }
  const { entityId, createdAt, _embedded: embedded } = read.value;
  const entity = isObject(embedded) && isObject(embedded["entity"]) ? embedded["entity"] : undefined;
  const named = mollieId(entityId) ?? mollieId(id(entity?.["id"]));
  return {
    kind: "event",
    type,
    ...(named && { entityId: named }),
    ...(createdAt !== undefined && { createdAt }),
    ...(entity && { entity }),
  };
}
