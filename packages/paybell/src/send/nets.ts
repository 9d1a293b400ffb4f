import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** Address ranges the operator opened although they are not public; made by {@link parseNets} alone. */
export type Nets = { readonly ranges: readonly Range[] };

/**
 * Reads PAYBELL_ALLOW_NETS: `127.0.0.0/8, ::1/128, 10.1.2.3`; nothing in it: no ranges.
 * @throws an Error with the code `allow_nets_invalid` that names the faulty part
 */
export function parseNets(text: string): Nets {
  const parts = text.split(",").map((part) => part.trim());
  return { ranges: parts.filter((part) => part !== "").map(parseRange) };
}

export type AddressRefusal = { readonly code: "address_not_public"; readonly sentence: string };

export type AddressCheck =
  | {
      readonly ok: true;
      /** whether it is in a range the operator opened; else it is public */
      readonly opened: boolean;
    }
  | ({ readonly ok: false } & AddressRefusal);

/**
 * Whether this IP address may be connected to: public unicast, or in `nets`. The refusal names the range and never the
 * address, which a seller's host name may have been asked for.
 * Source: IANA's special-purpose address registries for IPv4 and IPv6
 */
export function checkAddress(ip: string, nets: Nets): AddressCheck {
  // isIP is strict where ipaddr.js reads octal, hexadecimal and short spellings; a zone (`%eth0`) names an interface
  // of this machine.
  if (isIP(ip) === 0 || ip.includes("%")) return notPublic("not a plain IP address");
  const written = ipaddr.parse(ip);
  const address = unmapped(written);
  if (nets.ranges.some((range) => isIn(address, range))) return { ok: true, opened: true };
  const special = specialRanges.find(({ range }) => isIn(address, range));
  if (special) return notPublic(special.words);
  if (address !== written) return notPublic("an IPv4 address written as IPv6 (::ffff:0:0/96)");
  if (address.kind() === "ipv6" && !isIn(address, publicIpv6))
    return notPublic("outside of what is public in IPv6 (2000::/3)");
  return { ok: true, opened: false };
}

export type TargetRefusal = {
  readonly code:
    | "url_invalid"
    | "url_too_long"
    | "url_with_password"
    | "url_with_fragment"
    | "https_required"
    | "address_not_public";
  readonly sentence: string;
};

/**
 * Reads the address of a receiver as far as it can be judged without asking for its host name. Whatever spelling an
 * IP address has (decimal, octal, hexadecimal, short, full-width), the URL standard turns it into the plain one first.
 */
export function parseTarget(
  text: string,
  nets: Nets,
): { readonly ok: true; readonly url: URL } | ({ readonly ok: false } & TargetRefusal) {
  const tooLong = {
    ok: false,
    code: "url_too_long",
    sentence: "The address is longer than 2,000 characters.",
  } as const;
  if (text.length > longestUrl) return tooLong;
  // The URL standard drops tabs and line breaks silently; nobody typed them on purpose.
  const url = !/\p{Cc}/u.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (!url) {
    const sentence = "This is no web address. It must look like https://shop.example.com/payments.";
    return { ok: false, code: "url_invalid", sentence };
  }
  if (url.href.length > longestUrl) return tooLong;
  if (url.username !== "" || url.password !== "") {
    const sentence = "The address must not hold a user name or password.";
    return { ok: false, code: "url_with_password", sentence };
  }
  if (text.includes("#")) {
    return { ok: false, code: "url_with_fragment", sentence: "The address must not hold a # part: it is never sent." };
  }
  const refusal = checkTarget(url, nets);
  return refusal ? { ok: false, ...refusal } : { ok: true, url };
}

/**
 * What can be said of a target before its name is resolved. `http` to a name is let through when there are opened
 * ranges; whether the name leads into them shows only with its addresses.
 */
export function checkTarget(url: URL, nets: Nets): TargetRefusal | undefined {
  if (url.protocol !== "https:" && url.protocol !== "http:") return httpsRequired;
  const host = hostOf(url);
  const name = host.endsWith(".") ? host.slice(0, -1) : host;
  if (isIP(host) === 0 && name.split(".").includes("")) {
    return { code: "url_invalid", sentence: "The address has an empty part in its host name." };
  }
  const http = url.protocol === "http:";
  const known = isLocalhost(host) ? loopback : isIP(host) === 0 ? undefined : [host];
  if (!known) return http && nets.ranges.length === 0 ? httpsRequired : undefined;
  const checks = known.map((ip) => checkAddress(ip, nets));
  if (checks.some((check) => check.ok && (check.opened || !http))) return undefined;
  const refused = checks.find((check) => !check.ok);
  return refused ? { code: refused.code, sentence: refused.sentence } : httpsRequired;
}

export const httpsRequired: TargetRefusal & { readonly code: "https_required" } = {
  code: "https_required",
  sentence: "The address must start with https://, so that nobody on the way can read or change what is sent.",
};

/** The host without the brackets of an IPv6 address. */
export function hostOf(url: URL): string {
  return url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
}

/** RFC 6761, section 6.3: these names are this machine and are asked of nobody. */
export function isLocalhost(hostname: string): boolean {
  return /(^|\.)localhost\.?$/i.test(hostname);
}

/** What `localhost` stands for. */
export const loopback: readonly string[] = ["127.0.0.1", "::1"];

const longestUrl = 2000;

type Ip = ipaddr.IPv4 | ipaddr.IPv6;
type Range = readonly [Ip, number];

function isIn(address: Ip, [base, bits]: Range): boolean {
  return address.kind() === base.kind() && address.match(base, bits);
}

/** An IPv4-mapped address is its IPv4 address: the same packets leave the machine. */
function unmapped(address: Ip): Ip {
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

function notPublic(words: string): { readonly ok: false } & AddressRefusal {
  const sentence = `The address is ${words}. Only public addresses may be called.`;
  return { ok: false, code: "address_not_public", sentence };
}

function parseRange(part: string): Range {
  const [ip = "", prefix, ...more] = part.split("/");
  const width = isIP(ip) === 4 ? 32 : 128;
  const bits = prefix === undefined ? width : Number(prefix);
  const plain = isIP(ip) !== 0 && !ip.includes("%") && more.length === 0 && /^\d{1,3}$/.test(prefix ?? "0");
  if (!plain || bits > width) throw netsInvalid(part, "is not an IP address or range");
  const base = ipaddr.parse(ip);
  // 10.1.2.3/8 opens all of 10.0.0.0/8, which is seldom what was meant.
  const rest = base
    .toByteArray()
    .some((byte, index) => (byte & (0xff >> Math.min(8, Math.max(0, bits - 8 * index)))) > 0);
  if (rest) throw netsInvalid(part, `has bits set beyond its first ${bits}`);
  const address = unmapped(base);
  return [address, address === base ? bits : bits - 96];
}

function netsInvalid(part: string, what: string): Error {
  const sentence = `PAYBELL_ALLOW_NETS: "${part.slice(0, 60)}" ${what}. Write 10.0.0.0/8, ::1/128 or 10.1.2.3.`;
  return Object.assign(new Error(sentence), { code: "allow_nets_invalid" });
}

const publicIpv6: Range = [ipaddr.parse("2000::"), 3];

/** The narrower range first where one lies in another. */
const specialRanges: readonly { readonly range: Range; readonly words: string }[] = [
  ...special("unspecified (the machine itself)", "0.0.0.0/32", "::/128"),
  ...special("of this machine's own network", "0.0.0.0/8"),
  ...special("private", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
  ...special("shared by a provider's customers", "100.64.0.0/10"),
  ...special("loopback (the machine itself)", "127.0.0.0/8", "::1/128"),
  ...special("link-local", "169.254.0.0/16", "fe80::/10"),
  ...special("reserved for protocols", "192.0.0.0/24"),
  ...special("for documentation", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
  ...special("for answering stray name queries (AS112)", "192.31.196.0/24", "192.175.48.0/24", "2620:4f:8000::/48"),
  ...special("for multicast relays", "192.52.193.0/24"),
  ...special("a 6to4 relay", "192.88.99.0/24"),
  ...special("for benchmarks", "198.18.0.0/15", "2001:2::/48"),
  ...special("multicast", "224.0.0.0/4", "ff00::/8"),
  ...special("broadcast", "255.255.255.255/32"),
  ...special("reserved", "240.0.0.0/4"),
  // Lies among public addresses, but inside Azure it answers every virtual machine with its platform's secrets.
  ...special("a cloud platform's own service", "168.63.129.16/32"),
  ...special("an IPv4 address in IPv6 (deprecated)", "::/96"),
  ...special("a translated IPv4 address", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48"),
  ...special("for discarding", "100::/64"),
  ...special("a Teredo tunnel", "2001::/32"),
  ...special("an identifier and no address (ORCHID)", "2001:10::/28", "2001:20::/28", "2001:30::/28"),
  ...special("reserved for protocols", "2001::/23"),
  ...special("a 6to4 tunnel", "2002::/16"),
  ...special("for segment routing", "5f00::/16"),
  ...special("unique local (private)", "fc00::/7"),
  ...special("site-local (private)", "fec0::/10"),
];

function special(what: string, ...ranges: readonly string[]): { readonly range: Range; readonly words: string }[] {
  return ranges.map((range) => ({ range: parseRange(range), words: `${what} (${range})` }));
}
