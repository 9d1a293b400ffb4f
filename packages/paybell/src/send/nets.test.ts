import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkAddress, checkTarget, parseNets, parseTarget } from "./nets.ts";

const none = parseNets("");
const local = parseNets("127.0.0.0/8");

const spellings: readonly [url: string, range: string][] = [
  // one address, as many ways as there are to write it
  ["https://127.0.0.1/", "127.0.0.0/8"],
  ["https://127.0.0.1./", "127.0.0.0/8"],
  ["https://127.1/", "127.0.0.0/8"],
  ["https://127.0.1/", "127.0.0.0/8"],
  ["https://2130706433/", "127.0.0.0/8"],
  ["https://0x7f000001/", "127.0.0.0/8"],
  ["https://0X7F.1/", "127.0.0.0/8"],
  ["https://0x7f.0x0.0x0.0x1/", "127.0.0.0/8"],
  ["https://0177.0.0.1/", "127.0.0.0/8"],
  ["https://017700000001/", "127.0.0.0/8"],
  ["https://0177.0x0.1/", "127.0.0.0/8"],
  ["https://127.0.0.01/", "127.0.0.0/8"],
  ["https://127.255.255.254:8443/", "127.0.0.0/8"],
  ["https://%31%32%37.0.0.1/", "127.0.0.0/8"],
  ["https://127%2e0%2e0%2e1/", "127.0.0.0/8"],
  ["https://１２７.０.０.１/", "127.0.0.0/8"],
  ["https://127。0。0。1/", "127.0.0.0/8"],
  ["https://127．0｡0．1/", "127.0.0.0/8"],
  ["https://①②⑦.⓪.⓪.①/", "127.0.0.0/8"],
  ["https:\\\\127.0.0.1\\", "127.0.0.0/8"],
  ["https:127.0.0.1", "127.0.0.0/8"],
  ["  https://127.0.0.1/  ", "127.0.0.0/8"],
  ["https://localhost/", "127.0.0.0/8"],
  ["https://localhost./", "127.0.0.0/8"],
  ["https://LOCALHOST/", "127.0.0.0/8"],
  ["https://ｌocalhost/", "127.0.0.0/8"],
  ["https://shop.localhost/", "127.0.0.0/8"],
  ["https://shop.localhost./", "127.0.0.0/8"],
  // IPv4
  ["https://0.0.0.0/", "0.0.0.0/32"],
  ["https://0/", "0.0.0.0/32"],
  ["https://0.1.2.3/", "0.0.0.0/8"],
  ["https://10.0.0.1/", "10.0.0.0/8"],
  ["https://10.1/", "10.0.0.0/8"],
  ["https://172.16.0.1/", "172.16.0.0/12"],
  ["https://172.31.255.255/", "172.16.0.0/12"],
  ["https://192.168.178.1/", "192.168.0.0/16"],
  ["https://3232235777/", "192.168.0.0/16"],
  ["https://100.64.0.1/", "100.64.0.0/10"],
  ["https://100.100.100.200/", "100.64.0.0/10"],
  ["https://169.254.169.254/latest/meta-data/", "169.254.0.0/16"],
  ["https://2852039166/", "169.254.0.0/16"],
  ["https://0xa9fea9fe/", "169.254.0.0/16"],
  ["https://168.63.129.16/", "168.63.129.16/32"],
  ["https://192.0.0.192/", "192.0.0.0/24"],
  ["https://192.0.2.1/", "192.0.2.0/24"],
  ["https://198.51.100.7/", "198.51.100.0/24"],
  ["https://203.0.113.7/", "203.0.113.0/24"],
  ["https://192.88.99.1/", "192.88.99.0/24"],
  ["https://192.31.196.1/", "192.31.196.0/24"],
  ["https://192.52.193.1/", "192.52.193.0/24"],
  ["https://192.175.48.1/", "192.175.48.0/24"],
  ["https://198.18.0.1/", "198.18.0.0/15"],
  ["https://198.19.255.255/", "198.18.0.0/15"],
  ["https://224.0.0.1/", "224.0.0.0/4"],
  ["https://239.255.255.250/", "224.0.0.0/4"],
  ["https://240.0.0.1/", "240.0.0.0/4"],
  ["https://255.255.255.255/", "255.255.255.255/32"],
  // IPv6
  ["https://[::]/", "::/128"],
  ["https://[::1]/", "::1/128"],
  ["https://[0:0:0:0:0:0:0:1]/", "::1/128"],
  ["https://[0000:0000:0000:0000:0000:0000:0000:0001]:8443/", "::1/128"],
  ["https://[::127.0.0.1]/", "::/96"],
  ["https://[::8.8.8.8]/", "::/96"],
  ["https://[::ffff:127.0.0.1]/", "127.0.0.0/8"],
  ["https://[::ffff:7f00:1]/", "127.0.0.0/8"],
  ["https://[0:0:0:0:0:ffff:0a00:0001]/", "10.0.0.0/8"],
  ["https://[::ffff:169.254.169.254]/", "169.254.0.0/16"],
  ["https://[::ffff:8.8.8.8]/", "::ffff:0:0/96"],
  ["https://[::ffff:0:127.0.0.1]/", "::ffff:0:0:0/96"],
  ["https://[64:ff9b::7f00:1]/", "64:ff9b::/96"],
  ["https://[64:ff9b::8.8.8.8]/", "64:ff9b::/96"],
  ["https://[64:ff9b:1::10.0.0.1]/", "64:ff9b:1::/48"],
  ["https://[100::1]/", "100::/64"],
  ["https://[2001::1]/", "2001::/32"],
  ["https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", "2001::/32"],
  ["https://[2001:2::1]/", "2001:2::/48"],
  ["https://[2001:10::1]/", "2001:10::/28"],
  ["https://[2001:2f:ffff::1]/", "2001:20::/28"],
  ["https://[2001:1::1]/", "2001::/23"],
  ["https://[2001:db8::1]/", "2001:db8::/32"],
  ["https://[2002:7f00:1::]/", "2002::/16"],
  ["https://[2002:808:808::1]/", "2002::/16"],
  ["https://[2620:4f:8000::1]/", "2620:4f:8000::/48"],
  ["https://[3fff::1]/", "3fff::/20"],
  ["https://[5f00::1]/", "5f00::/16"],
  ["https://[fc00::1]/", "fc00::/7"],
  ["https://[fd00:ec2::254]/", "fc00::/7"],
  ["https://[fe80::1]/", "fe80::/10"],
  ["https://[febf::1]/", "fe80::/10"],
  ["https://[fec0::1]/", "fec0::/10"],
  ["https://[ff02::1]/", "ff00::/8"],
  ["https://[4000::1]/", "2000::/3"],
  ["https://[1fff::1]/", "2000::/3"],
  ["https://[200::1]/", "2000::/3"],
];

const unreadable: readonly string[] = [
  "",
  "shop.example.com",
  "//shop.example.com/",
  "https://",
  "https:///",
  "https://[fe80::1%25eth0]/",
  "https://[::1%lo]/",
  "https://[::ffff:127.0.0.256]/",
  "https://127.0.0.256/",
  "https://1.2.3.4.5/",
  "https://0x100000000/",
  "https://08.8.8.8/",
  "https://foo.0x1/",
  "https://127.0.0.1../",
  "https://localhost../",
  "https://shop..example.com/",
  "https://.example.com/",
  "https://shop.example.com:99999/",
  "https://127.0.0.1\t/",
  "https://local\nhost/",
  "https://127.0.0.1\0.example.com/",
  "https://exa mple.com/",
  "https://exa<mple.com/",
];

test.each(spellings)("%s is refused because it lies in %s", (text, range) => {
  const target = parseTarget(text, none);
  expect(target).toMatchObject({ ok: false, code: "address_not_public" });
  expect(!target.ok && target.sentence).toContain(`(${range})`);
});

test("what stands behind a backslash is a path and no host", () => {
  const target = parseTarget("https://shop.example.com\\@127.0.0.1/", none);
  expect(target.ok && target.url.hostname).toBe("shop.example.com");
});

test.each(unreadable)("%j is no web address", (text) => {
  expect(parseTarget(text, none)).toMatchObject({ ok: false, code: "url_invalid" });
});

test.each([
  ["https://user:secret@shop.example.com/", "url_with_password"],
  ["https://user@shop.example.com/", "url_with_password"],
  ["https://:secret@shop.example.com/", "url_with_password"],
  ["https://127.0.0.1@shop.example.com/", "url_with_password"],
  ["https://shop.example.com/#top", "url_with_fragment"],
  ["https://shop.example.com/#", "url_with_fragment"],
  ["https://shop.example.com#@127.0.0.1/", "url_with_fragment"],
  ["http://shop.example.com/", "https_required"],
  ["http://8.8.8.8/", "https_required"],
  ["http://127.0.0.1/", "address_not_public"],
  ["http://localhost/", "address_not_public"],
  ["ftp://shop.example.com/", "https_required"],
  ["file:///etc/passwd", "https_required"],
  ["gopher://127.0.0.1:6379/_", "https_required"],
  ["blob:https://shop.example.com/1", "https_required"],
  [`https://shop.example.com/${"a".repeat(2000)}`, "url_too_long"],
  [`https://shop.example.com/${"ü".repeat(700)}`, "url_too_long"],
])("%s is refused as %s, and its password is not repeated", (text, code) => {
  const target = parseTarget(text, none);
  expect(target).toMatchObject({ ok: false, code });
  expect(JSON.stringify(target)).not.toContain("secret");
});

test.each([
  ["https://shop.example.com/payments?from=paybell", "https://shop.example.com/payments?from=paybell"],
  ["https://shop.example.com./", "https://shop.example.com./"],
  ["https://bücher.example.de/", "https://xn--bcher-kva.example.de/"],
  ["https://8.8.8.8/", "https://8.8.8.8/"],
  ["https://134744072/", "https://8.8.8.8/"],
  ["https://[2606:4700:4700::1111]:8443/", "https://[2606:4700:4700::1111]:8443/"],
  ["https://notlocalhost/", "https://notlocalhost/"],
  ["https://localhost.example.com/", "https://localhost.example.com/"],
])("%s may be called", (text, href) => {
  const target = parseTarget(text, none);
  expect(target.ok && target.url.href).toBe(href);
});

describe("with ranges the operator opened", () => {
  test.each([
    "http://127.0.0.1:8080/",
    "http://127.1/",
    "http://localhost/",
    "http://shop.localhost./",
    "https://127.0.0.1/",
    "https://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    // only its addresses will tell
    "http://intranet.example.com/",
  ])("%s may be called", (text) => expect(parseTarget(text, local)).toMatchObject({ ok: true }));

  test.each([
    ["http://8.8.8.8/", "https_required"],
    ["http://10.0.0.1/", "address_not_public"],
    ["http://[::1]/", "address_not_public"],
    ["https://[::ffff:10.0.0.1]/", "address_not_public"],
    ["https://[::127.0.0.1]/", "address_not_public"],
    ["https://[64:ff9b::127.0.0.1]/", "address_not_public"],
  ])("%s is still refused as %s", (text, code) => expect(parseTarget(text, local)).toMatchObject({ ok: false, code }));

  test("localhost is refused when neither of its addresses is opened", () => {
    expect(checkTarget(new URL("http://localhost/"), parseNets("10.0.0.0/8"))).toMatchObject({
      code: "address_not_public",
    });
    expect(checkTarget(new URL("http://localhost/"), parseNets("::1"))).toBeUndefined();
  });
});

describe("checkAddress", () => {
  test.each([
    "8.8.8.8",
    "1.1.1.1",
    "192.0.1.1",
    "198.17.0.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "2620:0:1::1",
  ])("%s is public", (ip) => expect(checkAddress(ip, none)).toEqual({ ok: true, opened: false }));

  test.each([
    "fe80::1%eth0",
    "::1%1",
    "2606:4700:4700::1111%2",
    "127.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "127.0.0.1 ",
    " 8.8.8.8",
    "8.8.8.8/32",
    "[::1]",
    "localhost",
    "",
    "::ffff:0x7f.1",
    "::gggg",
  ])("%j is no address to connect to", (ip) => {
    expect(checkAddress(ip, parseNets("0.0.0.0/0, ::/0"))).toMatchObject({
      ok: false,
      code: "address_not_public",
      sentence: "The address is not a plain IP address. Only public addresses may be called.",
    });
  });

  test.each([
    ["127.0.0.1", "127.0.0.0/8"],
    ["::ffff:127.0.0.1", "127.0.0.0/8"],
    ["127.0.0.1", "::ffff:127.0.0.0/104"],
    ["10.1.2.3", "10.1.2.3"],
    ["fd12::1", "fd00::/8"],
    ["64:ff9b::808:808", "64:ff9b::/96"],
    ["10.9.9.9", "0.0.0.0/0"],
  ])("%s is opened by %s", (ip, nets) => expect(checkAddress(ip, parseNets(nets))).toEqual({ ok: true, opened: true }));

  test.each([
    ["127.0.0.1", "::/0"],
    ["::ffff:127.0.0.1", "::/0"],
    ["::1", "0.0.0.0/0"],
    ["10.1.2.4", "10.1.2.3"],
    ["11.0.0.1", "fd00::/8"],
  ])("%s is not opened by %s", (ip, nets) =>
    expect(checkAddress(ip, parseNets(nets))).not.toMatchObject({ opened: true }),
  );

  test("an IPv4 address and its IPv6 spelling are opened by the same ranges", () => {
    const ip = fc.ipV4();
    fc.assert(
      fc.property(ip, fc.integer({ min: 0, max: 32 }), ip, (address, bits, base) => {
        const numbers = base.split(".").map(Number);
        const masked = numbers.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))) & 0xff);
        const nets = parseNets(`${masked.join(".")}/${bits}`);
        const plain = checkAddress(address, nets);
        const mapped = checkAddress(`::ffff:${address}`, nets);
        expect(mapped.ok && mapped.opened).toBe(plain.ok && plain.opened);
        if (!plain.ok) expect(mapped).toEqual(plain);
      }),
    );
  });

  test("a refusal never repeats the address", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (ip) => {
        const check = checkAddress(ip, none);
        if (!check.ok) expect(check.sentence.replace(/\(\S+\)/, "")).not.toContain(ip);
      }),
    );
  });
});

describe("parseNets", () => {
  test.each(["", " ", ",", " , "])("%j opens nothing", (text) => expect(parseNets(text).ranges).toEqual([]));

  test("ranges and single addresses stand side by side, separated by commas", () => {
    const nets = parseNets("127.0.0.0/8, ::1/128,10.1.2.3,");
    expect(nets.ranges).toHaveLength(3);
    for (const ip of ["127.9.9.9", "::1", "10.1.2.3"]) expect(checkAddress(ip, nets)).toMatchObject({ opened: true });
  });

  test.each([
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "10.0.0.0/-1",
    "10.0.0.0/8.0",
    "10.0.0.0/1e1",
    "::1/129",
    "10.0.0/8",
    "0x0a000000/8",
    "localhost",
    "fe80::1%eth0",
    "10.1.2.3/8",
    "fd00::1/8",
    "::ffff:0:0/90",
  ])("%s is a fault that the message names", (part) => {
    const parse = () => parseNets(`127.0.0.1, ${part}`);
    expect(parse).toThrow(`"${part}"`);
    expect(parse).toThrow(expect.objectContaining({ code: "allow_nets_invalid" }));
  });
});
