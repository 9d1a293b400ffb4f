import * as fc from "fast-check";
import { expect, test } from "vitest";
import { standardWebhooks } from "./format.ts";
import { verify } from "./verify.ts";

const at = Date.parse("2026-03-02T09:15:30.123Z");
const event = { id: "evt_1", type: "payment.made", at, test: false, data: '{"b":1.50,"a":"Töpfer & <Sohn>"}' };
const secret = standardWebhooks.newSecret(new Uint8Array(32).fill(7));
const text = (data: Uint8Array | undefined) => new TextDecoder().decode(data);

test("the body holds type, time and the data as it was printed", () => {
  expect(text(standardWebhooks.render(event, {}))).toBe(
    '{"type":"payment.made","timestamp":"2026-03-02T09:15:30.123Z","data":{"b":1.50,"a":"Töpfer & <Sohn>"}}',
  );
});

test("events of every kind are rendered", () => {
  expect(standardWebhooks.events).toBeNull();
  expect(JSON.parse(text(standardWebhooks.render({ ...event, type: "access.granted" }, {})))).toMatchObject({
    type: "access.granted",
  });
});

test("every attempt keeps id and body, and has its own time and signature", async () => {
  const body = standardWebhooks.render(event, {}) ?? new Uint8Array();
  const first = await standardWebhooks.sign(body, { id: "evt_1", at: at + 1_999, secrets: [secret], number: 1 });
  const second = await standardWebhooks.sign(body, { id: "evt_1", at: at + 900_000, secrets: [secret], number: 2 });
  expect(first.body).toEqual(body);
  expect(second.body).toEqual(body);
  expect(first.headers).toMatchObject({ "webhook-id": "evt_1", "webhook-timestamp": "1772442932" });
  expect(second.headers["webhook-signature"]).not.toBe(first.headers["webhook-signature"]);
  expect(first.headers["content-type"]).toBe("application/json");
});

test("any event that is rendered and signed with any secrets is verified with each", async () => {
  const secrets = fc.uniqueArray(
    fc.uint8Array({ minLength: 32, maxLength: 32 }).map((random) => standardWebhooks.newSecret(random)),
    { minLength: 1, maxLength: 2 },
  );
  const instants = fc.integer({ min: 0, max: Date.parse("2100-01-01") });
  await fc.assert(
    fc.asyncProperty(fc.uuid(), fc.json(), secrets, instants, async (id, data, secrets, at) => {
      const body = standardWebhooks.render({ ...event, data, at }, {}) ?? new Uint8Array();
      expect(JSON.parse(text(body))).toEqual({
        type: event.type,
        timestamp: new Date(at).toISOString(),
        data: JSON.parse(data),
      });
      const signed = await standardWebhooks.sign(body, { id, at, secrets, number: 1 });
      const incoming = { headers: new Headers(signed.headers), body: signed.body };
      for (const one of secrets) expect(await verify(incoming, [one], at)).toEqual({ ok: true });
    }),
  );
});

test.each([
  [200, true],
  [204, true],
  [299, true],
  [199, false],
  [301, false],
  [410, false],
  [500, false],
])("the status %i counts as arrived: %s", (status, arrived) => {
  expect(standardWebhooks.accepts({ status, body: "nonsense" })).toBe(arrived);
});

test.each([
  [secret, undefined],
  [`whsk_${btoa("s".repeat(32))}`, undefined],
  [`whpk_${btoa("p".repeat(32))}`, "public"],
  ["whsec_", "24 to 64"],
  [`whsk_${btoa("s".repeat(33))}`, "32 or 64"],
  ["a passphrase", "not Base64"],
  [`${secret} `, "not Base64"],
])("the secret %j has this fault: %s", (candidate, fault) => {
  const said = standardWebhooks.secretFault(candidate);
  if (fault === undefined) expect(said).toBeUndefined();
  else expect(said).toContain(fault);
});
