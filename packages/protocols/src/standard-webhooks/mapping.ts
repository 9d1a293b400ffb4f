import { isObject, type Values } from "../values.ts";
import type { Fact } from "../domain/fact.ts";
import { readSource, type Source } from "./path.ts";

/** What an event can be. */
export const kinds = [
  "payment",
  "payment_pending",
  "payment_failed",
  "refund",
  "refund_reversed",
  "dispute_opened",
  "dispute_won",
  "dispute_lost",
  "trial",
  "cancelled",
  "resumed",
] as const satisfies readonly Fact["kind"][];

export type Kind = (typeof kinds)[number];

/** Everything a message may hold, beside event and order. `true`: it is the person's. */
export const fieldNames = {
  email: true,
  name: true,
  firstName: true,
  lastName: true,
  company: true,
  country: true,
  language: true,
  reference: true,
  product: false,
  productName: false,
  quantity: false,
  amount: false,
  currency: false,
  transactionId: false,
  refunds: false,
  rate: false,
  plan: false,
  interval: false,
  intervalCount: false,
  rates: false,
  next: false,
  until: false,
  happenedAt: false,
  orderedOn: false,
  test: false,
} as const;

export type FieldName = keyof typeof fieldNames;

export type EventMapping = {
  readonly kind: Kind;
  readonly orderId?: Source;
  readonly fields: Readonly<Partial<Record<FieldName, Source>>>;
  readonly amountIn?: "minor" | "major";
};

/** Where a sender's messages hold what. */
export type Mapping = {
  readonly event: Source;
  /** other ids of the order, by the name of what they belong to */
  readonly aliases: readonly { readonly name: string; readonly source: Source }[];
  readonly events: ReadonlyMap<string, EventMapping>;
};

/**
 * Reads a mapping.
 *
 * ```json
 * {
 *   "event": "type",
 *   "orderId": "data.order.id",
 *   "aliases": { "subscription": "data.subscription.id" },
 *   "events": {
 *     "invoice.paid": "payment",
 *     "invoice.refunded": { "kind": "refund", "fields": { "amount": "data.refund.total" } }
 *   },
 *   "fields": {
 *     "email": "data.customer.email", "product": "data.items[].sku",
 *     "amount": "data.items[].total", "amountIn": "minor", "currency": "=EUR", "transactionId": "data.id"
 *   }
 * }
 * ```
 *
 * A value is a path (names joined by dots; `[]` behind a list means each of its entries) or a constant behind `=`.
 * What an event names for itself (`orderId`, `fields`) counts before what stands outside.
 * @returns the mapping, or a sentence that says what is wrong with it and where
 */
export function readMapping(text: string): Mapping | Faulty {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { fault: "The mapping is not JSON." };
  }
  const faults: string[] = [];
  const mapping = mappingOf(value, faults);
  const fault = faults[0];
  return mapping && fault === undefined ? mapping : { fault: fault ?? "The mapping cannot be used." };
}

export type Faulty = { readonly fault: string };

/** Every fault is noted with its place; what is returned beside one is not used. */
function mappingOf(value: unknown, faults: string[]): Mapping | undefined {
  const top = objectAt(value, "The mapping", ["event", "orderId", "aliases", "events", "fields"], faults);
  if (!top) return undefined;
  const event = sourceAt(top["event"], "event", faults);
  if (top["event"] === undefined) faults.push("event is missing: the path of the event's name, such as type.");
  const orderId = sourceAt(top["orderId"], "orderId", faults);
  const aliases = aliasesAt(top["aliases"], faults);
  const shared = fieldsAt(top["fields"] ?? {}, "fields", faults);
  const events = new Map<string, EventMapping>();
  const given = objectAt(top["events"] ?? {}, "events", null, faults) ?? {};
  for (const [name, one] of Object.entries(given)) {
    const where = `events.${JSON.stringify(name.slice(0, 80))}`;
    const mapped = eventAt(one, where, faults);
    if (!mapped) continue;
    const order = mapped.orderId ?? orderId;
    const amountIn = mapped.amountIn ?? shared.amountIn;
    const whole: EventMapping = {
      kind: mapped.kind,
      ...(order && { orderId: order }),
      fields: { ...shared.fields, ...mapped.fields },
      ...(amountIn && { amountIn }),
    };
    if (!order && aliases.length === 0)
      faults.push(`${where} has no order: give orderId, the path of the order's number, or aliases.`);
    faults.push(...missingFrom(whole, where));
    events.set(name, whole);
  }
  if (events.size === 0)
    faults.push('events is empty: name the sender\'s events and what they are, such as {"invoice.paid": "payment"}.');
  return event && { event, aliases, events };
}

/** @param names those that are known; null: any */
function objectAt(
  value: unknown,
  where: string,
  names: readonly string[] | null,
  faults: string[],
): Values | undefined {
  if (!isObject(value)) {
    faults.push(`${where} is not an object: {…} is expected.`);
    return undefined;
  }
  const unknown = names && Object.keys(value).find((name) => !names.includes(name));
  if (names && typeof unknown === "string")
    faults.push(`${where} has ${JSON.stringify(unknown.slice(0, 80))}, which is not known: ${names.join(", ")}.`);
  return value;
}

function sourceAt(value: unknown, where: string, faults: string[], lists = false): Source | undefined {
  if (value === undefined || value === null) return undefined;
  const source = readSource(value);
  if (!source)
    faults.push(`${where} is neither a path (data.order.id, data.items[].sku) nor a constant behind = (=EUR).`);
  else if (!lists && "list" in source)
    faults.push(`${where} means each entry of a list ([]), which only products and what stands beside them can.`);
  return source;
}

function aliasesAt(value: unknown, faults: string[]): Mapping["aliases"] {
  const given = objectAt(value ?? {}, "aliases", null, faults) ?? {};
  return Object.entries(given).flatMap(([name, one]) => {
    const source = sourceAt(one, `aliases.${name.slice(0, 80)}`, faults);
    return source ? [{ name: name.slice(0, 80), source }] : [];
  });
}

type Fields = Pick<EventMapping, "fields" | "amountIn">;

function fieldsAt(value: unknown, where: string, faults: string[]): Fields {
  const given = objectAt(value, where, [...Object.keys(fieldNames), "amountIn"], faults) ?? {};
  const fields: Partial<Record<FieldName, Source>> = {};
  for (const name of Object.keys(fieldNames).filter(isField)) {
    const source = sourceAt(given[name], `${where}.${name}`, faults, perProduct.includes(name));
    if (source) fields[name] = source;
  }
  const unit = given["amountIn"];
  if (unit === undefined) return { fields };
  if (unit === "minor" || unit === "major") return { fields, amountIn: unit };
  faults.push(`${where}.amountIn is neither "minor" (2990 is 29.90) nor "major" (29.90).`);
  return { fields };
}

function isField(name: string): name is FieldName {
  return name in fieldNames;
}

const perProduct: readonly FieldName[] = ["product", "productName", "quantity", "amount"];

function eventAt(value: unknown, where: string, faults: string[]): EventMapping | undefined {
  const given =
    typeof value === "string" ? { kind: value } : objectAt(value, where, ["kind", "orderId", "fields"], faults);
  if (!given) return undefined;
  const kind = kinds.find((one) => one === given["kind"]);
  if (!kind) {
    faults.push(`${where} is none of the kinds there are: ${kinds.join(", ")}.`);
    return undefined;
  }
  const orderId = sourceAt(given["orderId"], `${where}.orderId`, faults);
  return { kind, ...(orderId && { orderId }), ...fieldsAt(given["fields"] ?? {}, `${where}.fields`, faults) };
}

/** What its kind cannot do without. */
function missingFrom({ kind, fields, amountIn }: EventMapping, where: string): string[] {
  const needed = (names: readonly FieldName[], why: string) =>
    names.filter((name) => !fields[name]).map((name) => `${where} needs fields.${name}: ${why}.`);
  const faults: string[] = [];
  if (kind === "payment" || kind === "refund") {
    faults.push(...needed(["transactionId"], "without it a message sent twice would be money told twice"));
    faults.push(...needed(["amount", "currency"], "money was moved"));
  }
  if (kind === "payment") faults.push(...needed(["product"], "what was paid for is what is given"));
  if (kind === "refund_reversed" || kind.startsWith("dispute_")) {
    if (!fields.transactionId && !fields.refunds) faults.push(`${where} needs fields.transactionId or fields.refunds.`);
  }
  if (kind === "trial" && !fields.until && !fields.next)
    faults.push(`${where} needs fields.until: the day or instant the trial ends.`);
  if (fields.amount && !amountIn)
    faults.push(`${where} needs fields.amountIn: "minor" (2990 is 29.90) or "major" (29.90).`);
  if (fields.amount && !fields.currency && kind !== "payment" && kind !== "refund")
    faults.push(`${where} needs fields.currency beside fields.amount: a path, or a constant such as =EUR.`);
  const walked = perProduct.flatMap((name) => listOf(fields[name]) ?? []);
  if (new Set(walked).size > 1) faults.push(`${where} walks several lists ([]): products and amounts stand in one.`);
  if (walked.length > 0 && listOf(fields.product) === undefined)
    faults.push(`${where} walks a list ([]) for something else than fields.product.`);
  return faults;
}

function listOf(source: Source | undefined): string | undefined {
  if (!source || "constant" in source || source.list === undefined) return undefined;
  return JSON.stringify(source.names.slice(0, source.list));
}
