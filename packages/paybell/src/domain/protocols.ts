import { copecart } from "@paybell/protocols/copecart/copecart";
import type { Protocol } from "@paybell/protocols/protocol";

/** Every protocol a connection may speak. */
export const protocols: readonly Protocol[] = [copecart];

/** @throws for a name no connection can have been made with */
export function protocolNamed(name: string): Protocol {
  const found = protocols.find((protocol) => protocol.name === name);
  if (!found) throw new Error(`No protocol is named ${name}.`);
  return found;
}
