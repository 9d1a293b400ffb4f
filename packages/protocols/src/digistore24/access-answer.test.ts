import * as fc from "fast-check";
import { expect, test } from "vitest";
import { answerWithAccess, type OrderData } from "./access-answer.ts";

test("all that can be told stands below the OK, one pair a line", () => {
  expect(
    answerWithAccess({
      own: [["Dein Lizenzschlüssel", "ABC-1"]],
      hideOn: "none",
      showOn: ["receipt_page", "order_confirmation_email"],
      headline: "Deine Zugangsdaten",
      accounts: [
        { username: "ada@example.com", password: "k3ks-dose", loginurl: "https://shop.example/anmelden" },
        { loginurl: "https://forum.example/" },
        { username: "ada", password: "two words" },
      ],
      thankyouUrl: "https://shop.example/willkommen",
    }),
  ).toBe(
    [
      "OK",
      "thankyou_url: https://shop.example/willkommen",
      "username: ada@example.com",
      "password: k3ks-dose",
      "loginurl: https://shop.example/anmelden",
      "loginurl_2: https://forum.example/",
      "username_3: ada",
      "password_3: two words",
      "headline: Deine Zugangsdaten",
      "show_on: receipt_page, order_confirmation_email",
      "hide_on: none",
      "Dein Lizenzschlüssel: ABC-1",
    ].join("\n"),
  );
});

test("without anything to show the answer is OK", () => {
  expect(answerWithAccess({})).toBe("OK");
  expect(
    answerWithAccess({
      thankyouUrl: "",
      accounts: [{}, { username: " " }],
      headline: "\n",
      showOn: [],
      own: [["a", ""]],
    }),
  ).toBe("OK");
});

test("an empty account takes no number", () => {
  expect(answerWithAccess({ accounts: [{}, { username: "ada" }] })).toBe("OK\nusername: ada");
});

test.each(["\n", "\r", "\r\n", "\u2028", "\u0085", "\v"])("a line break (%j) in a value begins no pair", (br) => {
  const data = { headline: `Deine${br}thankyou_url: https://evil.example`, own: [[`Key${br}x`, `1${br}2`]] as const };
  expect(answerWithAccess(data)).toBe("OK\nheadline: Deine thankyou_url: https://evil.example\nKey x: 1 2");
});

test.each([
  ["thankyou_url", '"thankyou_url"'],
  ["Headline", '"Headline"'],
  ["username_12", '"username_12"'],
  ["Key: A", "Key  A"],
  [":", "-"],
])("a label %j is written %s, so that it is read as a label", (label, written) => {
  expect(answerWithAccess({ own: [[label, "1"]] })).toBe(`OK\n${written}: 1`);
});

test("labels given twice are numbered, so that none hides another", () => {
  const own = [
    ["Key", "1"],
    ["Key", "2"],
    ["Key 2", "3"],
  ] as const;
  expect(answerWithAccess({ own })).toBe("OK\nKey: 1\nKey 2: 2\nKey 2 2: 3");
});

const value = fc.string({ unit: "binary" });
const places = fc.subarray(["invoice", "receipt_page", "order_confirmation_email"] as const);
const data: fc.Arbitrary<OrderData> = fc.record(
  {
    thankyouUrl: value,
    accounts: fc.array(fc.record({ username: value, password: value, loginurl: value }, { requiredKeys: [] })),
    headline: value,
    showOn: fc.oneof(fc.constant("all" as const), places),
    hideOn: fc.oneof(fc.constant("none" as const), places),
    own: fc.array(fc.tuple(value, value)),
  },
  { requiredKeys: [] },
);

test("whatever is shown, the answer begins with OK, has a pair a line, no name twice, and is the same again", () => {
  fc.assert(
    fc.property(data, (order) => {
      const answer = answerWithAccess(order);
      expect(answerWithAccess(structuredClone(order))).toBe(answer);
      const [ok, ...lines] = answer.split(/[\r\n]/);
      expect(ok).toBe("OK");
      for (const line of lines) expect(line).toMatch(/^[^:]+: ./);
      const names = lines.map((line) => line.slice(0, line.indexOf(": ")));
      expect(new Set(names).size).toBe(names.length);
    }),
  );
});
