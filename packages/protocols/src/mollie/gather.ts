import { parseInstant } from "../domain/day.ts";
import { isObject, readObject, type Values } from "../values.ts";
import type { Reply } from "../protocol.ts";
import { emailOf } from "./buyer.ts";
import { type Message, mollieId } from "./message.ts";

/** What a message and the answers to it come to. Nothing in it: the message alone does not say what happened. */
export type Story = {
  readonly payment?: Values;
  readonly refund?: Values;
  readonly chargeback?: Values;
  /** of the payment, where one charged it */
  readonly subscription?: Values;
  /** of the payment, where it says too little of its buyer */
  readonly customer?: Values;
};

/** Something to be fetched. */
export type Wanted = {
  /** below `https://api.mollie.com/v2/` */
  readonly path: string;
  /** that it does not exist means the message is not Mollie's; otherwise it is told without it */
  readonly proves: boolean;
  /** of the object expected there; absent: a list */
  readonly id?: string;
};

export type Gathered =
  | { readonly kind: "told"; readonly story: Story }
  | { readonly kind: "wanted"; readonly wanted: Wanted }
  /** the last reply: there is no such thing; the API key is not accepted; nothing to be made of it */
  | { readonly kind: "denied"; readonly wanted: Wanted }
  | { readonly kind: "locked"; readonly wanted: Wanted }
  | { readonly kind: "mute"; readonly wanted: Wanted };

/** How far the replies lead, and what is to be asked next. */
export function gather(message: Message, replies: readonly Reply[]): Gathered {
  const steps = storyOf(message);
  let step = steps.next();
  for (const reply of replies) {
    if (step.done) break;
    const said = judge(reply, step.value);
    if (typeof said === "string") return { kind: said, wanted: step.value };
    step = steps.next(said.value);
  }
  return step.done ? { kind: "told", story: step.value } : { kind: "wanted", wanted: step.value };
}

/** The same without asking anybody any more: what is not known by now is left out. */
export function gathered(message: Message, replies: readonly Reply[]): Story {
  const steps = storyOf(message);
  let step = steps.next();
  for (let n = 0; !step.done; n += 1) {
    const reply = replies[n];
    const said = reply && judge(reply, step.value);
    step = steps.next(typeof said === "object" ? said.value : undefined);
  }
  return step.value;
}

type Steps<T> = Generator<Wanted, T, Values | undefined>;

function* storyOf(message: Message): Steps<Story> {
  if (message.kind === "classic") return yield* paymentStory(message.id, true);
  const { type, entityId, entity } = message;
  if (entity?.["resource"] === "payment") return yield* around(entity);
  if (entity?.["resource"] === "refund") return { refund: entity };
  if (entity?.["resource"] === "chargeback") return { chargeback: entity };
  if (entityId === undefined) return {};
  if (type.startsWith("payment.")) return yield* paymentStory(entityId, false);
  if (type !== "payment-link.paid") return {};
  // The money of a link is that of a payment, which other messages speak of too.
  const list = yield { path: `payment-links/${entityId}/payments?limit=250`, proves: false };
  const paid = list && paidThrough(list, parseInstant(message.createdAt, "UTC"));
  return paid ? yield* paymentStory(paid, false) : {};
}

function* paymentStory(paymentId: string, proves: boolean): Steps<Story> {
  const path = `payments/${paymentId}`;
  const payment = yield { path: `${path}?embed=refunds,chargebacks`, proves, id: paymentId };
  if (!payment) return {};
  const lists: Record<string, unknown> = {};
  for (const [name, sum] of returns) {
    lists[name] = embeddedList(payment, name);
    // The sums alone say how much came back, but not when and in which parts.
    if (lists[name] || !moved(payment[sum])) continue;
    lists[name] = embeddedList(yield { path: `${path}/${name}?limit=250`, proves: false }, name);
  }
  return yield* around({ ...payment, _embedded: lists });
}

const returns = [
  ["refunds", "amountRefunded"],
  ["chargebacks", "amountChargedBack"],
] as const;

function* around(payment: Values): Steps<Story> {
  const customerId = mollieId(payment["customerId"]);
  const subscriptionId = mollieId(payment["subscriptionId"]);
  if (customerId === undefined) return { payment };
  const path = `customers/${customerId}`;
  const subscription = subscriptionId
    ? yield { path: `${path}/subscriptions/${subscriptionId}`, proves: false, id: subscriptionId }
    : undefined;
  const customer = emailOf(payment) === undefined ? yield { path, proves: false, id: customerId } : undefined;
  return { payment, ...(subscription && { subscription }), ...(customer && { customer }) };
}

/** Of a link that is paid more than once, the payment the event was made for: the last one before it. */
function paidThrough(list: Values, at: number | undefined): string | undefined {
  const paid = (embeddedList(list, "payments") ?? []).flatMap((payment) => {
    if (!isObject(payment) || payment["status"] !== "paid") return [];
    const paymentId = mollieId(payment["id"]);
    const paidAt = parseInstant(payment["paidAt"], "UTC") ?? 0;
    return paymentId && (at === undefined || paidAt <= at + 60_000) ? [{ paymentId, paidAt }] : [];
  });
  return paid.toSorted((a, b) => b.paidAt - a.paidAt)[0]?.paymentId;
}

export function embeddedList(value: Values | undefined, name: string): readonly unknown[] | undefined {
  const embedded = value?.["_embedded"];
  const list = isObject(embedded) ? embedded[name] : undefined;
  return Array.isArray(list) ? list : undefined;
}

function moved(amount: unknown): boolean {
  return isObject(amount) && typeof amount["value"] === "string" && /[1-9]/.test(amount["value"]);
}

/** @returns the object, or nothing where there is none; a word where the reply settles nothing */
function judge({ status, body }: Reply, { proves, id }: Wanted): { value?: Values } | "denied" | "locked" | "mute" {
  if (status === 404 || status === 410) return proves ? "denied" : {};
  if (status === 403 && !proves) return {};
  if (status === 401 || status === 403) return "locked";
  if (status !== 200) return "mute";
  const read = readObject(body);
  if (!read.ok || (id === undefined ? !isObject(read.value["_embedded"]) : read.value["id"] !== id)) return "mute";
  return { value: read.value };
}
