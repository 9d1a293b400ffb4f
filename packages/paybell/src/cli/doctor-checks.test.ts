import { expect, test } from "vitest";
import { mailServer } from "../testing/mail-server.ts";
import { checkMail, checkNode, checkPublicUrl, checkSpace } from "./doctor-checks.ts";

test.each([
  ["18.20.0", "bad"],
  ["20.18.1", "bad"],
  ["20.19.0", "note"],
  ["22.1.0", "good"],
  ["24.0.0", "good"],
])("Node %s is %s", (version, state) => expect(checkNode(version)).toMatchObject({ state }));

test.each([
  [100 * 2 ** 20, "bad"],
  [500 * 2 ** 20, "note"],
  [5 * 2 ** 30, "good"],
])("%i bytes free are %s", (free, state) => expect(checkSpace(free)).toMatchObject({ state }));

test.each([
  [undefined, "note"],
  ["https://pay.example.com", "good"],
  ["http://127.0.0.1:8787", "note"],
  ["http://pay.example.com", "bad"],
  ["pay.example.com", "bad"],
])("the public URL %s is %s", (url, state) => expect(checkPublicUrl(url)).toMatchObject({ state }));

test("a mail server that answers is good, one that does not is bad, and none is a note", async () => {
  const server = await mailServer();
  expect(await checkMail(server.url)).toMatchObject({ state: "good" });
  await server.stop();
  expect(await checkMail(server.url)).toMatchObject({ state: "bad" });
  expect(await checkMail(undefined)).toMatchObject({ state: "note" });
});

test("a password in SMTP_URL is not repeated", async () => {
  const { sentence } = await checkMail("smtp://kim:geheim@127.0.0.1:1");
  expect(sentence).not.toContain("geheim");
});
