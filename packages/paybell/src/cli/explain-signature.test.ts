import { sign } from "@paybell/protocols/copecart/sign";
import { expect, test } from "vitest";
import { bytes, vector, vectors } from "../../../protocols/src/copecart/fixtures/vectors.ts";
import { explainSignature } from "./explain-signature.ts";

const { body, secret, signature } = vector("invoice-payment-pending"); // umlauts and \u0026
const hex = Buffer.from(signature, "base64").toString("hex");
const compact = JSON.stringify(JSON.parse(body));

test.each(vectors)("the signature of $name fits", async ({ body, secret, signature }) => {
  expect(await explainSignature(signature, secret, bytes(body))).toMatchObject({ fits: true, code: "signature_fits" });
});

test.each([
  ["nothing", "", secret, body, "signature_missing"],
  ["hex", hex, secret, body, "signature_hex"],
  ["hex in capitals", hex.toUpperCase(), secret, body, "signature_hex"],
  ["a line end behind it", `${signature}\n`, secret, body, "signature_spelling"],
  ["quotes around it", `"${signature}"`, secret, body, "signature_spelling"],
  ["the URL's alphabet", Buffer.from(signature, "base64").toString("base64url"), secret, body, "signature_spelling"],
  ["a prefix", `sha256=${signature}`, secret, body, "signature_spelling"],
  ["half of it", signature.slice(0, 20), secret, body, "signature_malformed"],
  ["a body with a line end", signature, secret, `${body}\n`, "body_line_end"],
  ["a body with Windows' line end", signature, secret, `${body}\r\n`, "body_line_end"],
  ["a body with a byte-order mark", signature, secret, `\uFEFF${body}`, "body_line_end"],
  ["a body printed again", signature, secret, compact, "body_printed_again"],
  ["a body printed for people", signature, secret, JSON.stringify(JSON.parse(body), null, 2), "body_printed_again"],
  ["hex over a body printed again", hex, secret, compact, "body_printed_again"],
  ["a secret with a blank", signature, `${secret} `, body, "secret_spelling"],
  ["a secret in quotes", signature, `"${secret}"`, body, "secret_spelling"],
  ["another secret", signature, "copecart-test-secrt", body, "signature_mismatch"],
  ["another amount", signature, secret, body.replaceAll("595.0", "59.0"), "signature_mismatch"],
  ["a body that is no JSON", signature, secret, "hello", "signature_mismatch"],
  ["a body that is no text", signature, secret, new Uint8Array([255, 254, 0]), "signature_mismatch"],
])("%s is called %5$s", async (_, header, key, data, code) => {
  const given = typeof data === "string" ? bytes(data) : data;
  expect(await explainSignature(header, key, given)).toMatchObject({ fits: false, code });
});

test("a receiver that printed the JSON again sees why, whatever printed it", async () => {
  const value: unknown = JSON.parse(body);
  const ascii = compact.replace(/[\u0080-\uFFFF]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  for (const print of [compact, ascii, JSON.stringify(value, null, 4), compact.replaceAll("/", "\\/")]) {
    const signed = await sign(bytes(print), secret);
    expect(await explainSignature(signed, secret, bytes(body)), print.slice(0, 40)).toMatchObject({
      code: "body_printed_again",
    });
  }
});
