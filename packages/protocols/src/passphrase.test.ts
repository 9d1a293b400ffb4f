import * as fc from "fast-check";
import { expect, test } from "vitest";
import { newPassphrase, passphraseFault } from "./passphrase.ts";

test("a new passphrase can be typed, has no fault, and is another for other bytes", () => {
  const random = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(random, random, (one, other) => {
      expect(newPassphrase(one)).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(passphraseFault(newPassphrase(one), 63)).toBeUndefined();
      expect(newPassphrase(one) === newPassphrase(other)).toBe(one.join() === other.join());
    }),
  );
});

test.each([
  ["geheim-genug", undefined],
  ["Geh31m-Gärtner#2026", undefined],
  ["x".repeat(63), undefined],
  ["x".repeat(64), "63 at most"],
  ["", "empty"],
  ["geheim1", "8 or more"],
  [" geheim-genug", "white space"],
  ["geheim-genug\n", "white space"],
  ["geheim\0genug", "cannot be typed"],
  ["geheim\tgenug", "cannot be typed"],
  ["geheim\uD800genug", "cannot be typed"],
])("the secret %j has this fault: %s", (secret, fault) => {
  const said = passphraseFault(secret, 63);
  if (fault === undefined) expect(said).toBeUndefined();
  else expect(said).toContain(fault);
});
