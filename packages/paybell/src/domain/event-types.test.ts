import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isEventType } from "./event-types.ts";

const documented = readFileSync(join(import.meta.dirname, "../../../../docs/events.md"), "utf8")
  .split("\n")
  .flatMap((line) => /^\| (`\w+\.\w+`(?:, `\w+\.\w+`)*) \|/.exec(line)?.[1]?.match(/\w+\.\w+/g) ?? [])
  .filter((type) => type !== "endpoint.test");

test("every type of the documentation is one, and so is its family", () => {
  expect(documented.length).toBeGreaterThan(25);
  expect(documented.filter((type) => !isEventType(type) || !isEventType(`${type.split(".")[0]}.*`))).toEqual([]);
});

test.each(["payment.mad", "payments.*", "*", "payment", "endpoint.test", ""])("%j is no type", (text) => {
  expect(isEventType(text)).toBe(false);
});
