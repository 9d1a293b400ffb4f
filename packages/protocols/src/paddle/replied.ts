import { isObject, readObject, type Values } from "../values.ts";
import type { Known, Reply } from "../protocol.ts";

/** What Paddle replied about this id. @returns undefined: nothing, or about another */
export function replied(known: Known | undefined, id: unknown): Values | undefined {
  for (const reply of known?.replies ?? []) {
    const entity = entityOf(reply);
    if (entity && entity["id"] === id) return entity;
  }
  return undefined;
}

/** @returns undefined where the reply holds none: a page of an error */
export function entityOf({ status, body }: Reply): Values | undefined {
  if (status !== 200) return undefined;
  const read = readObject(body);
  const data = read.ok ? read.value["data"] : undefined;
  return isObject(data) && typeof data["id"] === "string" ? data : undefined;
}
