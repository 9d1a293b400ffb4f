import * as fc from "fast-check";
import { expect, test } from "vitest";
import { kinds, readMapping } from "./mapping.ts";
import { entriesOf, readSource, valueAt, valueIn } from "./path.ts";

const fields = {
  email: "data.customer.email",
  product: "data.items[].sku",
  amount: "data.items[].total",
  amountIn: "minor",
  currency: "=EUR",
  transactionId: "data.id",
  until: "data.until",
};
const good = { event: "type", orderId: "data.order.id", events: { "invoice.paid": "payment" }, fields };
const fault = (mapping: unknown) => {
  const read = readMapping(JSON.stringify(mapping));
  return "fault" in read ? read.fault : undefined;
};

test("a mapping that says all there is to say is read", () => {
  const read = readMapping(JSON.stringify(good));
  if ("fault" in read) throw new Error(read.fault);
  expect(read.event).toEqual({ names: ["type"] });
  expect(read.events.get("invoice.paid")).toMatchObject({
    kind: "payment",
    amountIn: "minor",
    orderId: { names: ["data", "order", "id"] },
    fields: { product: { names: ["data", "items", "sku"], list: 2 }, currency: { constant: "EUR" } },
  });
});

test("every kind there is can be mapped", () => {
  for (const kind of kinds) expect(fault({ ...good, events: { x: kind } })).toBeUndefined();
});

test("what an event names for itself counts before what stands outside", () => {
  const events = {
    "invoice.paid": "payment",
    "refund.made": { kind: "refund", orderId: "data.sale", fields: { amount: "data.back", amountIn: "major" } },
  };
  const read = readMapping(JSON.stringify({ ...good, events }));
  if ("fault" in read) throw new Error(read.fault);
  expect(read.events.get("refund.made")).toMatchObject({
    kind: "refund",
    amountIn: "major",
    orderId: { names: ["data", "sale"] },
    fields: { amount: { names: ["data", "back"] }, currency: { constant: "EUR" } },
  });
});

test("an order may be known by other ids alone", () => {
  const { orderId: _, ...without } = good;
  expect(fault({ ...without, aliases: { subscription: "data.subscription.id" } })).toBeUndefined();
});

const { transactionId: _t, ...noTransaction } = fields;
const { amountIn: _a, ...noUnit } = fields;
const { currency: _c, ...noCurrency } = fields;
const { product: _p, ...noProduct } = fields;
const { until: _u, ...noEnd } = fields;

test.each([
  ["not an object", [], "The mapping is not an object"],
  ["without an event", { ...good, event: undefined }, "event is missing"],
  ["with an event that is no path", { ...good, event: 7 }, "event is neither a path"],
  ["with an empty name in a path", { ...good, orderId: "data..id" }, "orderId is neither a path"],
  ["with two lists in a path", { ...good, fields: { ...fields, product: "a[].b[].c" } }, "fields.product is neither"],
  ["with a list where one value is meant", { ...good, orderId: "orders[].id" }, "orderId means each entry"],
  ["with a misspelt name", { ...good, evnts: {} }, '"evnts", which is not known'],
  ["with a misspelt field", { ...good, fields: { ...fields, emial: "x" } }, 'fields has "emial"'],
  ["without events", { ...good, events: {} }, "events is empty"],
  ["with events that are a list", { ...good, events: ["payment"] }, "events is not an object"],
  ["with a kind there is not", { ...good, events: { a: "paid" } }, 'events."a" is none of the kinds'],
  ["with an event that is nothing", { ...good, events: { a: null } }, 'events."a" is not an object'],
  ["with a kind missing", { ...good, events: { a: { fields: {} } } }, 'events."a" is none of the kinds'],
  ["without an order", { ...good, orderId: undefined }, 'events."invoice.paid" has no order'],
  ["without a transaction", { ...good, fields: noTransaction }, 'events."invoice.paid" needs fields.transactionId'],
  ["without a currency", { ...good, fields: noCurrency }, "needs fields.currency"],
  ["without a product", { ...good, fields: { ...noProduct, amount: "a" } }, "needs fields.product"],
  ["without the amount's unit", { ...good, fields: noUnit }, "needs fields.amountIn"],
  ["with another unit", { ...good, fields: { ...fields, amountIn: "cents" } }, "fields.amountIn is neither"],
  ["with two lists", { ...good, fields: { ...fields, amount: "data.prices[].total" } }, "walks several lists"],
  ["with a list of amounts alone", { ...good, fields: { ...fields, product: "data.sku" } }, "for something else"],
  ["with a trial without end", { ...good, events: { a: "trial" }, fields: noEnd }, "needs fields.until"],
  [
    "with a dispute about nothing",
    { ...good, events: { a: "dispute_opened" }, fields: noTransaction },
    "fields.refunds",
  ],
  [
    "with an amount nobody knows the currency of",
    { ...good, events: { a: "cancelled" }, fields: noCurrency },
    "currency",
  ],
  ["with aliases that are text", { ...good, aliases: "data.id" }, "aliases is not an object"],
])("a mapping %s is refused with its place", (_, mapping, sentence) => {
  expect(fault(mapping)).toContain(sentence);
});

test("a mapping that is not JSON is refused", () => {
  expect(readMapping("{event: 'type'}")).toEqual({ fault: "The mapping is not JSON." });
});

test("no text makes reading a mapping throw", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(readMapping(text)).toMatchObject(expect.anything());
    }),
  );
  const part = fc.oneof(fc.jsonValue(), fc.constantFrom("type", "data.items[].sku", "=EUR", "payment", "minor"));
  const record = fc.record(
    {
      event: part,
      orderId: part,
      aliases: fc.oneof(part, fc.dictionary(fc.string(), part)),
      events: fc.oneof(part, fc.dictionary(fc.string(), part)),
      fields: fc.oneof(part, fc.dictionary(fc.constantFrom(...Object.keys(fields)), part)),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(record, (mapping) => {
      const read = readMapping(JSON.stringify(mapping));
      expect("fault" in read ? read.fault : read.events.size).toBeTruthy();
    }),
  );
});

const message = { a: { b: [{ c: 1 }, { c: 2 }, 3] }, list: ["x", "y"], "with space": true };

test.each([
  ["a.b.1.c", 2],
  ["a.b.9.c", undefined],
  ["a.b.c", undefined],
  ["list.0", "x"],
  ["with space", true],
  ["=a.b", "a.b"],
  ["=", ""],
  ["a.__proto__", undefined],
  ["constructor.name", undefined],
  ["list.length", undefined],
])("the path %s leads to %j", (path, value) => {
  expect(valueAt(message, readSource(path))).toBe(value);
});

test("a path through a list gives each of its entries", () => {
  const each = readSource("a.b[].c");
  const entries = entriesOf(message, each) ?? [];
  expect(entries.map((entry) => valueIn(message, each, entry))).toEqual([1, 2, undefined]);
  const whole = readSource("list[]");
  expect(entriesOf(message, whole)?.map((entry) => valueIn(message, whole, entry))).toEqual(["x", "y"]);
  expect(entriesOf(message, readSource("missing[].c"))).toEqual([]);
  expect(entriesOf(message, readSource("a.b"))).toBeUndefined();
});
