import { timingSafeEqual } from "node:crypto";
import type { Seal } from "../db/seal.ts";

/**
 * The vendor's own name for a buyer, signed so that it can travel through a checkout address:
 * `<reference>.<signature>`. Anybody can edit that address; an unsigned reference is only a hint.
 */
export function signReference(seal: Seal, accountId: string, reference: string): string {
  return `${reference}.${signature(seal, accountId, reference)}`;
}

/** @returns the reference, or undefined where the text does not carry the vendor's signature */
export function signedReference(seal: Seal, accountId: string, text: string | undefined): string | undefined {
  const dot = text?.lastIndexOf(".") ?? -1;
  if (!text || dot < 1) return undefined;
  const given = Buffer.from(text.slice(dot + 1));
  const right = Buffer.from(signature(seal, accountId, text.slice(0, dot)));
  return given.length === right.length && timingSafeEqual(given, right) ? text.slice(0, dot) : undefined;
}

function signature(seal: Seal, accountId: string, reference: string): string {
  return seal.hash(reference, `reference:${accountId}`).toString("base64url");
}
