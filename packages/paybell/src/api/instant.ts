import { type Instant, parseInstant, parseWhen, type When } from "@paybell/protocols/domain/day";
import { z } from "zod";
import { startOfDay } from "../domain/calendar.ts";
import { problem } from "./problem.ts";

/** Instants leave as ISO 8601 in UTC. */
export function iso(at: Instant): string;
export function iso(at: Instant | null): string | null;
export function iso(at: Instant | null): string | null {
  return at === null || !Number.isFinite(at) ? null : new Date(at).toISOString();
}

/** A day stays a day, an instant is ISO 8601 in UTC. */
export function isoWhen(when: When | null): string | null {
  return when === null ? null : "day" in when ? when.day : iso(when.at);
}

export const isoInstant = z.string().max(40).meta({ format: "date-time", description: "ISO 8601, UTC" });

/**
 * Reads an instant, or a date: then its first instant in the shop's zone.
 * @throws the problem `invalid_request` when it is neither
 */
export function readAt(text: string, zone: string, name: string): Instant {
  // In a query an unescaped plus arrives as a space.
  const when = parseWhen(text.replace(/ (\d\d:?\d\d)$/, "+$1"), zone) ?? undefined;
  if (when) return "day" in when ? startOfDay(when.day, zone) : when.at;
  const at = parseInstant(text, zone);
  if (at !== undefined) return at;
  const message = "must be an ISO 8601 instant or date, such as 2026-03-27T23:59:59Z or 2026-03-27";
  throw problem(422, "invalid_request", `${name} ${message}.`, { errors: [{ path: name, message }] });
}
