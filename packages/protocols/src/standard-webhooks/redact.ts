import { isObject, readObject } from "../values.ts";
import type { Known } from "../protocol.ts";
import { type FieldName, fieldNames, type Mapping } from "./mapping.ts";
import { mappingOf } from "./parse.ts";
import { type Source, spelled } from "./path.ts";

/**
 * The same message without the person, marked `"redacted": true`. Nobody can know all of what a sender writes: taken
 * out is where the mapping says the buyer stands, what goes by the name of a person's data, everything within an object
 * of such a name, and every text with an e-mail address. What the facts are read from stays.
 * @param known the seller's mapping; without it the names alone decide
 */
export function redact(body: Uint8Array, known?: Known): Uint8Array<ArrayBuffer> {
  const read = readObject(body);
  const mapping = mappingOf(known);
  const left = read.ok ? keptOf(read.value, [], false, "fault" in mapping ? nowhere : placesOf(mapping)) : {};
  return new TextEncoder().encode(JSON.stringify({ ...(isObject(left) ? left : {}), redacted: true }));
}

/** Spelled paths of what is the person's, and of what facts are read from. */
type Places = { readonly personal: ReadonlySet<string>; readonly facts: ReadonlySet<string> };

const nowhere: Places = { personal: new Set(), facts: new Set() };

function placesOf(mapping: Mapping): Places {
  const personal = new Set<string>();
  const facts = new Set<string>();
  const add = (places: Set<string>, source: Source | undefined) => {
    if (source && "names" in source) places.add(spelled(source.names, source.list));
  };
  add(facts, mapping.event);
  for (const { source } of mapping.aliases) add(facts, source);
  for (const { orderId, fields } of mapping.events.values()) {
    add(facts, orderId);
    for (const [name, source] of Object.entries(fields)) add(isPersonal(name) ? personal : facts, source);
  }
  return { personal, facts };
}

function isPersonal(name: string): boolean {
  return fieldNames[name as FieldName];
}

/** @param within an object that is the person's */
function keptOf(value: unknown, path: readonly string[], within: boolean, places: Places): unknown {
  if (path.length > deepest) return null;
  if (Array.isArray(value)) return value.map((entry: unknown) => keptOf(entry, [...path, "[]"], within, places));
  if (isObject(value)) {
    const left: Record<string, unknown> = Object.create(null);
    for (const [name, one] of Object.entries(value)) {
      const whose = within || isOfPerson(name, path) || places.personal.has(spelled([...path, name]));
      left[name] = keptOf(one, [...path, name], whose, places);
    }
    return left;
  }
  const place = spelled(path);
  if (places.facts.has(place) && !places.personal.has(place)) return value;
  return within || (typeof value === "string" && /[^\s@]@[^\s@]/.test(value)) ? null : value;
}

/** As deep as a mapping can reach. */
const deepest = 100;

function isOfPerson(name: string, path: readonly string[]): boolean {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  if (plain !== "name") return personalNames.has(plain);
  const parent = path.findLast((one) => one !== "[]") ?? "";
  return !goods.has(parent.toLowerCase().replaceAll(/[^a-z]/g, ""));
}

/** What has a name and is no person. */
const goods = new Set(
  "product products item items line lines lineitem lineitems plan price offer sku variant course tier store".split(" "),
);

const personalNames: ReadonlySet<string> = new Set(
  `buyer customer client user person contact member recipient subscriber payer attendee
   billing billingaddress billingdetails shipping shippingaddress address addresses
   metadata customdata customfields custom passthrough reference note notes comment comments message
   email emailaddress mail emails customeremail buyeremail useremail contactemail receiptemail
   firstname lastname surname givenname familyname fullname displayname username customername buyername contactname
   cardholder cardholdername nickname salutation title gender company companyname organisation organization
   phone phonenumber telephone tel mobile fax street streetaddress housenumber line1 line2 address1 address2 addressline1
   addressline2 city town zip zipcode postcode postalcode country countrycode
   ip ipaddress clientip useragent birthday birthdate dateofbirth vat vatid vatnumber taxid taxnumber
   iban bic accountnumber cardnumber last4 cardlastfour`.split(/\s+/),
);
