import { createHash, randomBytes } from "node:crypto";
import type { Instant } from "@paybell/protocols/domain/day";

/**
 * A UUIDv7 whose first 48 bits are `at`: ids sort by time, and an id names its partition. Of those made here for the
 * same millisecond, the later is the greater.
 * Source: RFC 9562, sections 5.7 and 6.2 (method 1)
 */
export function newId(at: Instant): string {
  const bytes = Buffer.from(random16());
  const ms = Math.max(0, Math.floor(at));
  bytes.writeUIntBE(ms, 0, 6);
  // Twelve bits: they begin low, so that there is room to count.
  const before = counts.get(ms) ?? 0xfff;
  const count = before < 0xfff ? before + 1 : bytes.readUInt16BE(6) & 0x3ff;
  counts.set(ms, count);
  if (counts.size > countsKept) counts.delete(counts.keys().next().value!);
  bytes.writeUInt16BE(0x7000 | count, 6);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** By millisecond: ids are made for instants gone by as well, and must not disturb those of now. */
const counts = new Map<number, number>();
const countsKept = 16;

/** Sixteen random bytes. Drawn many at once: asking for few costs nearly as much. */
function random16(): Buffer {
  if (used === drawn.length) {
    drawn = randomBytes(4096);
    used = 0;
  }
  return drawn.subarray(used, (used += 16));
}

let drawn = Buffer.alloc(0);
let used = 0;

/** The instant an id was made for. */
export function idTime(id: string): Instant {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** Smaller than every id made at that instant or later, greater than all before: a span of time is a span of ids. */
export function firstId(at: Instant): string {
  const hex = Math.max(0, Math.floor(at)).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

export const lastId = "ffffffff-ffff-ffff-ffff-ffffffffffff";

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
