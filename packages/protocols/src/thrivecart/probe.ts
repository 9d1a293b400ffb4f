import { field, readMessage } from "./message.ts";

/**
 * Whether a call only asks if anybody is there. When an address is saved, ThriveCart calls it by HEAD and by POST, and
 * refuses to save it unless both get a 2xx. What that POST carries is not documented; a message always names its event
 * and the secret word, so one that names neither, nor an order, says nothing and may be answered with 200. Nothing is lost
 * by it, and nothing may be booked from it.
 * Source: ThriveCart "Using webhook notifications"
 */
export function isProbe(method: string, body: Uint8Array): boolean {
  if (method === "HEAD") return true;
  const read = readMessage(body);
  return read.ok && ["event", "thrivecart_secret", "order_id"].every((name) => field(read.value, name) === undefined);
}
