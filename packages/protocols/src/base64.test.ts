import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBase64, encodeBase64, encodeBase64Url } from "./base64.ts";

test("any bytes are written as Node writes them, and read back", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (data) => {
      expect(encodeBase64(data)).toBe(Buffer.from(data).toString("base64"));
      expect(encodeBase64Url(data)).toBe(Buffer.from(data).toString("base64url"));
      expect(decodeBase64(encodeBase64(data))).toEqual(new Uint8Array(data));
    }),
  );
});

test.each(["QQ", "QQ=", "QR==", "Q===", "====", "QQ==QQ==", "QQ==\n", " QUFB", "QU FB", "QU-_", "QÄ==", "A"])(
  "%j is not the one spelling of any bytes",
  (text) => {
    expect(decodeBase64(text)).toBeUndefined();
  },
);

test("whatever text is read as Base64, it is refused or has exactly that spelling", () => {
  const letters = fc.stringMatching(/^[A-Za-z0-9+/]{0,7}={0,3}$/);
  fc.assert(
    fc.property(fc.oneof(letters, fc.string({ unit: "binary" })), (text) => {
      const data = decodeBase64(text);
      if (data) expect(encodeBase64(data)).toBe(text);
    }),
  );
});
