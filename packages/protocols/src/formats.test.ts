import * as fc from "fast-check";
import { expect, test } from "vitest";
import { paymentEvents } from "./domain/payment.ts";
import { anyPayment } from "./fixtures/any-payment.ts";
import { formats } from "./formats.ts";

const all = [...formats.values()];
const at = Date.parse("2026-03-02T09:15:30Z");
const secrets = (name: string) =>
  [1, 2].map((byte) => formats.get(name)?.newSecret(new Uint8Array(32).fill(byte)) ?? "");

test("there are three formats, each under its own name", () => {
  expect([...formats].map(([name, format]) => [name, format.name, format.schedule])).toEqual(
    ["standard-webhooks", "copecart", "digistore24"].map((name) => [name, name, name]),
  );
});

test.each(all)("$name: a new secret has no fault, and signs", async (format) => {
  const [secret = ""] = secrets(format.name);
  expect(format.secretFault(secret)).toBeUndefined();
  expect(format.secretFault("")).toEqual(expect.any(String));
  const body = new TextEncoder().encode("event=connection_test");
  const signed = await format.sign(body, { id: "evt_1", at, secrets: [secret], number: 1 });
  expect(Object.keys(signed.headers).length).toBeGreaterThan(0);
  expect(JSON.stringify(signed.headers) + new TextDecoder().decode(signed.body)).not.toContain(secret);
});

test.each(all)("$name: what is wrong with a secret is said without repeating it", (format) => {
  fc.assert(
    fc.property(fc.string({ minLength: 4, unit: fc.constantFrom("ß", "$", "\t", "%") }), (secret) => {
      expect(format.secretFault(secret) ?? "").not.toContain(secret);
    }),
  );
});

test.each(all)("$name: the sample is rendered and signed", async (format) => {
  const event = { id: "evt_1", at, test: true, ...format.sample(at) };
  const body = format.render(event, {});
  if (!body) throw new Error("the sample was not rendered");
  expect(JSON.parse(event.data)).toMatchObject({ test: true });
  await expect(format.sign(body, { id: "evt_1", at, secrets: secrets(format.name), number: 1 })).resolves.toBeDefined();
});

test.each(all)("$name: an event is rendered exactly if the format has a word for its type", (format) => {
  fc.assert(
    fc.property(anyPayment(paymentEvents), ({ event }) => {
      expect(format.render(event, {}) !== undefined).toBe(format.events?.includes(event.type) ?? true);
    }),
  );
});

test.each(all)(
  "$name: the same event is rendered to the same bytes, and signing does not touch them",
  async (format) => {
    const types = format.events?.filter((type) => (paymentEvents as readonly string[]).includes(type)) ?? paymentEvents;
    await fc.assert(
      fc.asyncProperty(anyPayment(types), fc.integer({ min: 1, max: 20 }), async ({ event }, number) => {
        const body = format.render(event, {});
        const again = format.render(event, {});
        if (!body) throw new Error("an event of the list was not rendered");
        await format.sign(body, { id: event.id, at, secrets: secrets(format.name), number });
        expect(body).toEqual(again);
      }),
    );
  },
);

test.each(["copecart", "digistore24"])("%s: events of other kinds are not rendered", (name) => {
  const event = { id: "evt_1", type: "access.granted", at, test: false, data: '{"feature":"course"}' };
  expect(formats.get(name)?.render(event, {})).toBeUndefined();
});

test.each(["copecart", "digistore24"])("%s: a payment or refund without an amount is not rendered", (name) => {
  const payment = anyPayment(["payment.made", "payment.refunded"]);
  fc.assert(
    fc.property(payment, ({ event, data }) => {
      const silent = { ...event, data: JSON.stringify({ ...data, amount: null }) };
      expect(formats.get(name)?.render(silent, {})).toBeUndefined();
    }),
  );
});

test.each(["copecart", "digistore24"])("%s: the newest secret signs first, and repeats take turns", async (name) => {
  const format = formats.get(name);
  const event = { id: "evt_1", at, test: true, ...format?.sample(at) };
  const body = format?.render({ type: "", data: "", ...event }, {});
  if (!format || !body) throw new Error("the sample was not rendered");
  const [newest = "", older = ""] = secrets(name);
  const signed = async (secrets: readonly string[], number: number) => {
    const { headers, body: final } = await format.sign(body, { id: "evt_1", at, secrets, number });
    return JSON.stringify(headers) + new TextDecoder().decode(final);
  };
  const byNewest = await signed([newest], 1);
  const byOlder = await signed([older], 1);
  expect(byOlder).not.toBe(byNewest);
  const turns = await Promise.all([1, 2, 3, 4].map((number) => signed([newest, older], number)));
  expect(turns).toEqual([byNewest, byOlder, byNewest, byOlder]);
  await expect(signed([], 1)).rejects.toThrow("secret_missing");
});
