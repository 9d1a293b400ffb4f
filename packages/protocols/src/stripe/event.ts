import { id, isObject, label, readObject, type Unreadable, unreadable, type Values } from "../values.ts";
import type { Instant } from "../domain/day.ts";
import type { Buyer, Fact, Mode } from "../domain/fact.ts";

/** An event as Stripe wraps it. */
export type StripeEvent = {
  readonly type: string;
  readonly createdAt?: Instant;
  readonly mode?: Mode;
  /** the connected account it is about, where one endpoint serves several */
  readonly account?: string;
  /** of the second kind (`v2.core.event`): it names ids alone, and what it is about would have to be fetched */
  readonly thin: boolean;
  /** what it is about; empty where it is not told */
  readonly object: Values;
  /** the values before, of fields that changed */
  readonly previous: Values;
  /** the person was taken out of it */
  readonly redacted: boolean;
};

/** What one event says. */
export type Said = {
  readonly orderId?: string | undefined;
  readonly aliases?: readonly (string | undefined)[];
  readonly buyer?: Buyer | undefined;
  readonly facts: readonly Fact[];
};

/** @returns unreadable_encoding, unreadable_json, unreadable_shape, unreadable_type */
export function readEvent(body: Uint8Array): { readonly ok: true; readonly event: StripeEvent } | Unreadable {
  const read = readObject(body);
  if (!read.ok) return read;
  const { value } = read;
  const type = label(value["type"], 255);
  if (type === undefined) return unreadable("type", "The message does not say what event it is (type).");
  const data = objectIn(value, "data");
  const createdAt = instantOf(value["created"]);
  const mode = value["livemode"] === true ? "live" : value["livemode"] === false ? "test" : undefined;
  const account = id(value["account"]);
  return {
    ok: true,
    event: {
      type,
      ...(createdAt !== undefined && { createdAt }),
      ...(mode && { mode }),
      ...(account !== undefined && { account }),
      thin: value["object"] === "v2.core.event",
      object: objectIn(data, "object"),
      previous: objectIn(data, "previous_attributes"),
      redacted: value["redacted"] === true,
    },
  };
}

/** The object under this name; empty where there is none. */
export function objectIn(values: Values, name: string): Values {
  const value = values[name];
  return isObject(value) ? value : {};
}

/** The objects of a list under this name. */
export function listIn(values: Values, name: string): readonly Values[] {
  const data = objectIn(values, name)["data"];
  return Array.isArray(data) ? data.filter(isObject) : [];
}

/** The id of what may be there as an id or, expanded, as an object. */
export function refIn(values: Values, name: string): string | undefined {
  const value = values[name];
  return id(isObject(value) ? value["id"] : value);
}

/** Seconds since 1970, as Stripe writes every time; undefined past the year 9999. */
export function instantOf(value: unknown): Instant | undefined {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value <= 0 || value > 253_402_300_799)
    return undefined;
  return value * 1000;
}

/** An instant as part of an identity. */
export function stamp(at: Instant | undefined): string {
  return at === undefined ? "" : new Date(at).toISOString();
}
