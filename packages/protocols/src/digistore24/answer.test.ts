import { expect, test } from "vitest";
import type { AccessData } from "../protocol.ts";
import { answer } from "./answer.ts";

test.each([
  ["stored", 200, /^OK$/],
  ["refused", 401, /^ERROR: .{1,60}$/],
  ["unavailable", 503, /^ERROR: .{1,60}$/],
] as const)("%s is answered with %i and a text", (outcome, status, body) => {
  expect(answer(outcome)).toEqual({
    status,
    headers: { "content-type": "text/plain; charset=utf-8" },
    body: expect.stringMatching(body),
  });
});

const course: AccessData = {
  language: "de",
  productName: "Grundkurs",
  email: "ada@example.com",
  loginUrl: "https://shop.example/l/1",
  licenceKey: "ABC-1",
  downloadUrl: "https://shop.example/d/1",
};

test("what the buyer gets is shown below the OK, and not on the invoice", () => {
  expect(answer("stored", [course]).body).toBe(
    [
      "OK",
      "username: ada@example.com",
      "loginurl: https://shop.example/l/1",
      "headline: Deine Zugangsdaten",
      "hide_on: invoice",
      "Dein Lizenzschlüssel: ABC-1",
      "Dein Download: https://shop.example/d/1",
    ].join("\n"),
  );
});

test("several products name what belongs to each, and share a login they have in common", () => {
  const login = { language: "en", email: "ada@example.com", loginUrl: "https://shop.example/login" } as const;
  expect(
    answer("stored", [
      { ...login, productName: "Course", licenceKey: "A" },
      { ...login, productName: "Tool", licenceKey: "B" },
    ]).body,
  ).toBe(
    [
      "OK",
      "username: ada@example.com",
      "loginurl: https://shop.example/login",
      "headline: Your access data",
      "hide_on: invoice",
      "Your licence key (Course): A",
      "Your licence key (Tool): B",
    ].join("\n"),
  );
});

test("an account that was there before gets the address of the login alone", () => {
  const login: AccessData = { language: "en", productName: "Course", loginUrl: "https://shop.example/login" };
  expect(answer("stored", [login]).body).toBe(
    "OK\nloginurl: https://shop.example/login\nheadline: Your access data\nhide_on: invoice",
  );
});

test("a product with nothing to show is answered with OK alone", () => {
  expect(answer("stored", [{ language: "de", productName: "Grundkurs" }]).body).toBe("OK");
});

test("nothing is shown of what was not stored", () => {
  for (const outcome of ["refused", "unavailable"] as const)
    expect(answer(outcome, [course]).body).toBe(answer(outcome).body);
});
