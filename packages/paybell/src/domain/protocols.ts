import { ablefy } from "@paybell/protocols/ablefy/ablefy";
import { cope } from "@paybell/protocols/cope/cope";
import { copecart } from "@paybell/protocols/copecart/copecart";
import { digistore24 } from "@paybell/protocols/digistore24/digistore24";
import { hotmart } from "@paybell/protocols/hotmart/hotmart";
import { lemonsqueezy } from "@paybell/protocols/lemonsqueezy/lemonsqueezy";
import { mollie } from "@paybell/protocols/mollie/mollie";
import { paddle } from "@paybell/protocols/paddle/paddle";
import { paypal } from "@paybell/protocols/paypal/paypal";
import { paypalIpn } from "@paybell/protocols/paypal-ipn/paypal-ipn";
import type { Protocol } from "@paybell/protocols/protocol";
import { standardWebhooks } from "@paybell/protocols/standard-webhooks/standard-webhooks";
import { stripe } from "@paybell/protocols/stripe/stripe";
import { thrivecart } from "@paybell/protocols/thrivecart/thrivecart";

/** Every protocol a connection may speak. */
export const protocols: readonly Protocol[] = [
  copecart,
  digistore24,
  cope,
  stripe,
  paypal,
  paypalIpn,
  standardWebhooks,
  paddle,
  lemonsqueezy,
  mollie,
  thrivecart,
  hotmart,
  ablefy,
];

/** @throws for a name no connection can have been made with */
export function protocolNamed(name: string): Protocol {
  const found = protocols.find((protocol) => protocol.name === name);
  if (!found) throw new Error(`No protocol is named ${name}.`);
  return found;
}
