import type { When } from "@paybell/protocols/domain/day";
import type { Buyer, Fact, Plan, Reading } from "@paybell/protocols/domain/fact";
import { formatMajor, minorDigits, type Money } from "@paybell/protocols/domain/money";

/** What a notification says, in lines for a person. */
export function describeReading({ event, mode, orderId, aliases = [], orderedOn, buyer, facts }: Reading): string[] {
  const order = orderId === undefined ? `The order of ${aliases.join(", ")}` : `Order ${orderId}`;
  return [
    `${event}${mode === "test" ? ", a test" : ""}`,
    `${order}${orderedOn ? ` of ${orderedOn}` : ""}${buyer ? `, by ${nameOf(buyer)}` : ""}`,
    ...(facts.length === 0 ? ["It says nothing to act on."] : facts.map((fact) => `· ${describeFact(fact)}`)),
  ];
}

function nameOf({ firstName, lastName, email }: Buyer): string {
  const name = [firstName, lastName].filter(Boolean).join(" ");
  return name ? `${name} <${email}>` : email;
}

function describeFact(fact: Fact): string {
  const product = `${fact.productName ? `"${fact.productName}"` : "product"} (${fact.productId})`;
  const quantity = fact.quantity !== undefined && fact.quantity !== 1 ? `, ${fact.quantity} units` : "";
  const at = fact.happenedAt === undefined ? "" : `, at ${new Date(fact.happenedAt).toISOString()}`;
  return `${whatOf(fact)} for ${product}${quantity}${fact.plan ? `, ${planOf(fact.plan)}` : ""}${at}`;
}

function whatOf(fact: Fact): string {
  switch (fact.kind) {
    case "payment":
      return `payment${rateOf(fact.rate)} of ${money(fact.amount)}${fact.next ? `, the next one due ${when(fact.next)},` : ""}`;
    case "payment_pending":
      return `payment${rateOf(fact.rate)}${fact.amount ? ` of ${money(fact.amount)}` : ""}, still open,`;
    case "payment_failed":
      return `failed payment${rateOf(fact.rate)}`;
    case "refund":
      return `refund of ${money(fact.amount)}${fact.rate === undefined ? "" : ` on payment ${fact.rate}`}`;
    case "refund_reversed":
      return "a refund that was taken back";
    case "dispute_opened":
      return `money taken back by the bank${fact.amount ? `, ${money(fact.amount)},` : ""}`;
    case "dispute_won":
      return "dispute decided for the vendor";
    case "dispute_lost":
      return "dispute decided against the vendor";
    case "trial":
      return `trial until ${when(fact.to)}`;
    case "cancelled":
      return `cancellation${fact.for ? ` for ${when(fact.for)}` : " without a date"}${fact.chosenByVendor ? " by the vendor" : ""}`;
    case "resumed":
      return "the plan goes on";
    case "contact_changed":
      return `new address ${fact.email}`;
    default:
      return fact satisfies never;
  }
}

function planOf(plan: Plan): string {
  const every =
    "interval" in plan && plan.interval
      ? `, every ${plan.interval.count === 1 ? "" : `${plan.interval.count} `}${plan.interval.unit}${plan.interval.count === 1 ? "" : "s"}`
      : "";
  if (plan.kind === "once") return "bought once";
  if (plan.kind === "subscription") return `subscription${every}`;
  return `${plan.total ?? "some"} instalments${every}${plan.agreed ? `, ${money(plan.agreed)} in all` : ""}`;
}

function rateOf(rate: number | undefined): string {
  return rate === undefined ? "" : ` ${rate}`;
}

function when(value: When): string {
  return "day" in value ? value.day : new Date(value.at).toISOString();
}

function money(amount: Money): string {
  const [whole = "", fraction = ""] = formatMajor(amount).split(".");
  const digits = minorDigits(amount.currency);
  return `${whole}${digits === 0 ? "" : `.${fraction.padEnd(digits, "0")}`} ${amount.currency}`;
}
