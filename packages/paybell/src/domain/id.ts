import { createHash, randomBytes } from "node:crypto";
import type { Instant } from "@paybell/protocols/domain/day";

/**
 * A UUIDv7 whose first 48 bits are `at`: ids sort by time, and an id names its partition.
 * Source: RFC 9562, section 5.7
 */
export function newId(at: Instant): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Math.max(0, Math.floor(at)), 0, 6);
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The instant an id was made for. */
export function idTime(id: string): Instant {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

export function isId(text: unknown): text is string {
  return typeof text === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

/** 256 random bits as text that can stand in an address. */
export function newToken(): string {
  return randomBytes(32).toString("base64url");
}

export function sha256(data: string | Uint8Array): Buffer {
  return createHash("sha256").update(data).digest();
}
