import { newId } from "../domain/id.ts";
import type { AttemptRecord } from "./outcome.ts";

const columns = {
  id: "uuid",
  number: "integer",
  at: "timestamptz",
  node: "text",
  dns_ms: "real",
  connect_ms: "real",
  tls_ms: "real",
  first_byte_ms: "real",
  total_ms: "real",
  status: "integer",
  code: "text",
  sentence: "text",
  answer: "text",
} as const;

/** Columns of an attempt beside those that say of which delivery it is. */
export const attemptColumns = Object.keys(columns).join(", ");

/** Their types, in the order of {@link attemptRow}. */
export const attemptTypes: readonly string[] = Object.values(columns);

/** @param number from 1 */
export function attemptRow(attempt: AttemptRecord, number: number, node: string): unknown[] {
  return [
    newId(attempt.at),
    number,
    new Date(attempt.at),
    node,
    attempt.dnsMs,
    attempt.connectMs,
    attempt.tlsMs,
    attempt.firstByteMs,
    attempt.totalMs,
    attempt.status,
    attempt.code,
    attempt.sentence,
    attempt.answer,
  ];
}
