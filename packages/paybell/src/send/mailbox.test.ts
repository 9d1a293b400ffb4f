import { expect, test } from "vitest";
import { isAddress, parseMailbox } from "./mailbox.ts";

test.each([
  ["hello@example.com", { name: "", address: "hello@example.com" }],
  ["Shop <hello@example.com>", { name: "Shop", address: "hello@example.com" }],
  ['"Müller, Söhne" <hello@example.de>', { name: "Müller, Söhne", address: "hello@example.de" }],
  ["Müller, Söhne <hello@example.de>", { name: "Müller, Söhne", address: "hello@example.de" }],
  [" <hello@example.com> ", { name: "", address: "hello@example.com" }],
  [
    "Shop\r\nBcc: all@example.com <hello@example.com>",
    { name: "Shop Bcc: all@example.com", address: "hello@example.com" },
  ],
  ["", undefined],
  ["Shop", undefined],
  ["Shop <hello>", undefined],
  ["a@example.com, b@example.com", undefined],
  ["Shop <a@example.com> <b@example.com>", undefined],
])("the sender %j is read as %j", (text, mailbox) => {
  expect(parseMailbox(text)).toEqual(mailbox);
});

test.each([
  "a@example.com,b@example.com",
  "a@example.com\r\nDATA",
  "a b@example.com",
  "@example.com",
  "a@",
  "a@b@c",
  "<a@b>",
])("%j is not one address", (text) => expect(isAddress(text)).toBe(false));
