import { cope } from "@paybell/protocols/cope/cope";
import { copecart } from "@paybell/protocols/copecart/copecart";
import { digistore24 } from "@paybell/protocols/digistore24/digistore24";
import { mollie } from "@paybell/protocols/mollie/mollie";
import { paypalIpn } from "@paybell/protocols/paypal-ipn/paypal-ipn";
import type { Protocol } from "@paybell/protocols/protocol";

/** Every protocol a connection may speak. */
export const protocols: readonly Protocol[] = [copecart, cope, digistore24, mollie, paypalIpn];

/** @throws for a name no connection can have been made with */
export function protocolNamed(name: string): Protocol {
  const found = protocols.find((protocol) => protocol.name === name);
  if (!found) throw new Error(`No protocol is named ${name}.`);
  return found;
}
