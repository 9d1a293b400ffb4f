import { copecart } from "@paybell/protocols/copecart/copecart";
import { digistore24 } from "@paybell/protocols/digistore24/digistore24";
import type { Protocol } from "@paybell/protocols/protocol";

/** Every protocol a connection may speak. */
export const protocols: readonly Protocol[] = [copecart, digistore24];

/** @throws for a name no connection can have been made with */
export function protocolNamed(name: string): Protocol {
  const found = protocols.find((protocol) => protocol.name === name);
  if (!found) throw new Error(`No protocol is named ${name}.`);
  return found;
}
