import { id, readObject, type Values, word } from "../values.ts";
import type { Reply } from "../protocol.ts";
import { idsOf, isOfOrder, type Message, objectIn } from "./message.ts";

/** What ablefy said when it was asked about a message. */
export type Confirmation =
  /** it says nothing that has to be confirmed */
  | { readonly kind: "needless" }
  | { readonly kind: "confirmed"; readonly values: Values }
  | { readonly kind: "wanted"; readonly path: string }
  | { readonly kind: "denied" }
  /** nothing was learned: ask the same again, later */
  | { readonly kind: "mute" | "locked" | "not_yet"; readonly path: string };

/**
 * Money is asked for by its id, which captures call that of a transfer while the API knows payments and transfers: the one
 * that is found counts. What is said of an order alone is asked for by the order's.
 * @param replies to the enquiries made so far, in order
 */
export function confirm(message: Message, replies: readonly Reply[]): Confirmation {
  const { kind, values } = message;
  if (kind === "other") return { kind: "needless" };
  const { order, transfer } = idsOf(values);
  const ofOrder = isOfOrder(kind);
  const asked = ofOrder ? order : transfer;
  if (asked === undefined || !/^[\w-]{1,64}$/.test(asked)) return { kind: "denied" };
  const paths = ofOrder ? [`orders/${asked}`] : [`payments/${asked}`, `transfers/${asked}`];
  for (const [index, path] of paths.entries()) {
    const reply = replies[index];
    if (!reply) return { kind: "wanted", path };
    const said = read(reply, path, asked, message);
    if (said.kind !== "another") return said;
  }
  return { kind: "denied" };
}

type Said = Confirmation | { readonly kind: "another" };

function read({ status, body }: Reply, path: string, asked: string, message: Message): Said {
  if (status === 404 || status === 410) return { kind: "another" };
  if (status === 401 || status === 403) return { kind: "locked", path };
  const found = status >= 200 && status < 300 ? objectOf(body) : undefined;
  const own = found && id(found["id"]);
  if (!found || own === undefined) return { kind: "mute", path };
  if (own !== asked || !agrees(found, message)) return { kind: "another" };
  return message.kind === "paid" && unpaid.test(word(found["state"]))
    ? { kind: "not_yet", path }
    : { kind: "confirmed", values: told(message.values, found) };
}

/** The state is the present one: a payment that was refunded since had been made all the same. */
const unpaid = /pending|wait|error|fail|cancel|debt|to_be_paid/;

/** The reply may wrap what was asked for in its name. */
function objectOf(body: Uint8Array): Values | undefined {
  const read = readObject(body);
  if (!read.ok) return undefined;
  const wrapped = ["payment", "transfer", "order", "data"].map((name) => objectIn(read.value, name));
  return id(read.value["id"]) === undefined ? wrapped.find((inner) => id(inner["id"]) !== undefined) : read.value;
}

/** Payments and transfers may share numbers: what belongs to another order is another one. */
function agrees(found: Values, { values }: Message): boolean {
  const [one, other] = [id(found["order_id"]), id(values["order_id"])];
  return one === undefined || other === undefined || one === other;
}

/** What ablefy says when asked goes before what the message says. `amount` is not among it: it is not what was paid. */
function told(values: Values, found: Values): Values {
  const taken = confirmed.filter((name) => !nothing(found[name])).map((name) => [name, found[name]] as const);
  const payer = objectIn(found, "payer");
  // Whoever was taken out of the message does not come back with the reply.
  const known = !nothing(payer["email"]) && values["redacted"] !== true ? { payer } : {};
  return { ...values, ...Object.fromEntries(taken), ...known };
}

const confirmed = [
  "order_id",
  "product_id",
  "revenue",
  "currency",
  "refunded_transfer_id",
  "recurring",
  "recurring_form",
  "payments_count",
  "payments_count_expected",
  "payments_schedule",
  "success_date_utc",
  "created_date_utc",
];

function nothing(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}
