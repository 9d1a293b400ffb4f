import { expect, test } from "vitest";
import { answer } from "./answer.ts";

test("PayPal gets a 200 with nothing in it for what is stored, and sends again what is not", () => {
  expect(answer("stored")).toEqual({ status: 200, headers: {}, body: "" });
  expect(answer("refused").status).toBe(403);
  expect(answer("unavailable").status).toBe(503);
});
