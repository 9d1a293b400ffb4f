import { expect, test } from "vitest";
import { crc32 } from "./crc32.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("it is the checksum of zip, unsigned", () => {
  expect(crc32(bytes("123456789"))).toBe(0xcbf43926);
  expect(crc32(bytes(""))).toBe(0);
  expect(crc32(bytes("a"))).toBe(3904355907);
});
