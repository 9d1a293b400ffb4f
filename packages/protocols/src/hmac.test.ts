import * as fc from "fast-check";
import { expect, test, vi } from "vitest";

const data = fc.uint8Array({ maxLength: 500 }).map((bytes) => Uint8Array.from(bytes));
const key = fc.uint8Array({ minLength: 1, maxLength: 100 }).map((bytes) => Uint8Array.from(bytes));

test("with Node's functions and with Web Cryptography alone, the signature is the same", async () => {
  const quick = await import("./hmac.ts");
  const known = Object.getOwnPropertyDescriptor(process, "getBuiltinModule")!;
  vi.resetModules();
  Object.defineProperty(process, "getBuiltinModule", { ...known, value: undefined });
  const portable = await import("./hmac.ts");
  Object.defineProperty(process, "getBuiltinModule", known);
  await fc.assert(
    fc.asyncProperty(key, data, data, async (secret, message, other) => {
      const [one, two] = [await quick.hmacKey(secret), await portable.hmacKey(secret)];
      const signature = await one.sign(message);
      expect([...(await two.sign(message))]).toEqual([...signature]);
      const isSame = message.join() === other.join();
      for (const made of [one, two]) {
        expect(await made.verify(signature, message)).toBe(true);
        expect(await made.verify(signature, other)).toBe(isSame);
        expect(await made.verify(signature.slice(1), message)).toBe(false);
      }
    }),
  );
});
