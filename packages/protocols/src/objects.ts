import { isObject, type Values } from "./values.ts";

/** The object at these names, one inside the other; empty where there is none. */
export function inside(value: unknown, ...names: readonly string[]): Values {
  let found: unknown = value;
  for (const name of names) found = isObject(found) ? found[name] : undefined;
  return isObject(found) ? found : {};
}

/** The objects of a list. */
export function objects(value: unknown): readonly Values[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** An amount in minor units, as text or number. @returns undefined for anything but a whole number of up to 15 digits */
export function minorOf(value: unknown): bigint | undefined {
  const text = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === "string" && /^-?\d{1,15}$/.test(text) ? BigInt(text) : undefined;
}
