import { paymentEvents } from "@paybell/protocols/domain/payment";

/** Every event type there is. Source: docs/events.md */
const eventTypes: ReadonlySet<string> = new Set([
  ...paymentEvents,
  "order.created",
  "order.completed",
  "access.granted",
  "access.changed",
  "access.revoked",
  "licence.issued",
  "licence.suspended",
  "licence.restored",
  "licence.revoked",
  "licence.activated",
  "licence.deactivated",
  "customer.created",
  "customer.changed",
  "customer.erased",
  "alarm.raised",
  "connection.failing",
  "connection.disabled",
]);

const families: ReadonlySet<string> = new Set([...eventTypes].map((type) => `${type.split(".")[0]}.*`));

/** Is it a type, or `payment.*` for all that begin so? */
export function isEventType(text: string): boolean {
  return eventTypes.has(text) || families.has(text);
}
