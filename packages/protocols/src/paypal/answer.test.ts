import { expect, test } from "vitest";
import { answer } from "./answer.ts";

test("PayPal gets a 200 for what is stored, and sends again what is not", () => {
  expect(answer("stored").status).toBe(200);
  expect(answer("refused").status).toBe(401);
  expect(answer("unavailable").status).toBe(503);
});
