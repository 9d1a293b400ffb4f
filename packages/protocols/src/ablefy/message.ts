import { id, isObject, label, readObject, type Unreadable, unreadable, type Values } from "../values.ts";
import { readForm } from "./form.ts";

/** One message of ablefy, whether it came as a form or as JSON. */
export type Message = {
  /** the machine name, `payment.successful`; of old connections that send none, their coarser `action` */
  readonly event: string;
  readonly kind: Kind;
  readonly values: Values;
};

/** What an event means to us; `other` says nothing. */
export type Kind =
  | "paid"
  | "pending"
  | "failed"
  | "refunded"
  | "charged_back"
  | "charge_returned"
  | "cancelled"
  | "resumed"
  | "reactivated"
  | "other";

/**
 * @returns unreadable_encoding, unreadable_json, unreadable_shape, unreadable_event
 * Source: published captures; ablefy help, webhooks
 */
export function readMessage(body: Uint8Array): { readonly ok: true; readonly message: Message } | Unreadable {
  const read = fieldsOf(body);
  if (!read.ok) return read;
  const values = read.value;
  const event = label(values["event"]) ?? label(values["action"]);
  if (event === undefined) return unreadable("event", "The message names no event.");
  return { ok: true, message: { event, kind: kindOf(event), values } };
}

/** The fields of a body, as far as they can be read. */
export function fieldsOf(body: Uint8Array): ReturnType<typeof readObject> {
  if (
    /[{["]/.test(
      String.fromCharCode(...body.subarray(0, 64))
        .trim()
        .slice(0, 1),
    )
  )
    return readObject(body);
  const values = readForm(body);
  return values ? { ok: true, value: values } : unreadable("encoding", "The body is not UTF-8 text.");
}

/**
 * Only some machine names were ever seen; of the others the German names alone are known, so the words in them decide.
 * One purchase causes a message about the payment and one about the order: money is booked by the payment's alone.
 */
function kindOf(event: string): Kind {
  const name = event.toLowerCase();
  if (name === "payment.successful" || name === "payment_processed") return "paid";
  if (name === "payment.pending") return "pending";
  if (/^payment\.(cancel|error|fail)/.test(name)) return "failed";
  if (name === "refund.successful") return "refunded";
  if (name === "chargeback.successful") return "charged_back";
  if (name.startsWith("chargeback.cancel")) return "charge_returned";
  if (/^order\..*\.cancel/.test(name)) return "cancelled";
  if (/^order\..*reactivat/.test(name)) return "reactivated";
  return /^order\.subscription\.(paying|active)/.test(name) ? "resumed" : "other";
}

/** What is said of an order, and not of money. */
export type OrderKind = "cancelled" | "resumed" | "reactivated";

export function isOfOrder(kind: Kind): kind is OrderKind {
  return kind === "cancelled" || kind === "resumed" || kind === "reactivated";
}

export type Ids = {
  readonly order?: string;
  /** `id` of the money that moved: a payment, a refund, a chargeback */
  readonly transfer?: string;
  /** of the payment that a refund or a chargeback takes back */
  readonly original?: string;
};

export function idsOf(values: Values): Ids {
  const order = id(values["order_id"]);
  const transfer = id(values["id"]);
  const original = id(values["refunded_transfer_id"]);
  return { ...(order && { order }), ...(transfer && { transfer }), ...(original && { original }) };
}

export function objectIn(values: Values, name: string): Values {
  const value = values[name];
  return isObject(value) ? value : {};
}
