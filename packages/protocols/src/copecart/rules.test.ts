import { describe, expect, test } from "vitest";
import type { Outcome } from "../protocol.ts";
import { copecart } from "./copecart.ts";
import { type CopecartMessage, fields } from "./fields.ts";
import { bytes, changed, vector, vectors } from "./fixtures/vectors.ts";
import { render } from "./render.ts";
import { sign } from "./sign.ts";

const sale = vector("one-time-payment-made");
const months = 1000 * 3600 * 24 * 60;
const sentAt = Date.parse("2026-03-03T17:22:41Z");

function check(body: Uint8Array<ArrayBuffer>, signature: string | null, secrets = [sale.secret], now = sentAt) {
  const headers = new Headers(signature === null ? {} : { "X-Copecart-Signature": signature });
  return copecart.verify({ method: "POST", url: "https://shop.example.com/in/token", headers, body }, secrets, now);
}

function reading(body: Uint8Array) {
  const parsed = copecart.parse(body);
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.reading;
}

function kinds(name: string, payment_status: string) {
  return reading(changed(name, { payment_status })).facts.map((fact) => fact.kind);
}

function success(outcome: Outcome) {
  const { status, body } = copecart.answer(outcome);
  return status === 200 && body === "OK";
}

describe("rules for a receiver: the signature", () => {
  test("1: the Base64 of the digest is accepted and its hex is not", async () => {
    const hex = Array.from(atob(sale.signature), (letter) => letter.charCodeAt(0).toString(16).padStart(2, "0")).join(
      "",
    );
    expect(await check(bytes(sale.body), sale.signature)).toEqual({ ok: true });
    expect(await check(bytes(sale.body), hex)).toMatchObject({ ok: false, code: "signature_malformed" });
  });

  test("2: the raw bytes are signed, not the message printed again", async () => {
    const company = vector("invoice-payment-pending");
    const again = bytes(JSON.stringify(JSON.parse(company.body)));
    expect(await check(bytes(company.body), company.signature)).toEqual({ ok: true });
    expect(await check(again, company.signature)).toMatchObject({ ok: false, code: "signature_mismatch" });
  });

  test("3: a signature of another length is a refusal, not an exception", async () => {
    for (let length = 0; length < 100; length += 1) {
      expect(await check(bytes(sale.body), btoa("x".repeat(length)))).toMatchObject({ ok: false });
    }
  });

  test("4: a missing header and a missing secret mean refusal", async () => {
    expect(await check(bytes(sale.body), null)).toMatchObject({ ok: false, code: "signature_missing" });
    expect(await check(bytes(sale.body), sale.signature, [])).toMatchObject({ ok: false, code: "secret_missing" });
  });

  test("5: the secret sent along, in the body or as the signature, proves nothing", async () => {
    expect(await check(changed(sale.name, { password: sale.secret }), null)).toMatchObject({ ok: false });
    expect(await check(bytes(sale.body), sale.secret)).toMatchObject({ ok: false });
  });

  test("6: no sentence tells the secret, the right signature or what is in the body", async () => {
    const verdicts = [
      await check(changed(sale.name, { quantity: 2 }), sale.signature),
      copecart.parse(changed(sale.name, { transaction_amount: "secret words", buyer_email: "mara@example.de" })),
      copecart.parse(changed(sale.name, { order_id: { hidden: "secret words" } })),
    ];
    for (const verdict of verdicts) {
      expect(verdict).toMatchObject({ ok: false });
      expect(JSON.stringify(verdict)).not.toMatch(/secret words|example\.de|copecart-test-secret|tFEGyATL/);
    }
  });

  test("7: while a secret is changed the old and the new one are both valid", async () => {
    expect(await check(bytes(sale.body), sale.signature, ["new", sale.secret])).toEqual({ ok: true });
    expect(await check(bytes(sale.body), await sign(bytes(sale.body), "new"), ["new", sale.secret])).toEqual({
      ok: true,
    });
  });

  test("8: an old message verifies at any later time, and a repeat of it has the same identities", async () => {
    expect(await check(bytes(sale.body), sale.signature, [sale.secret], sentAt + months)).toEqual({ ok: true });
    expect(reading(bytes(`${sale.body}\n`)).facts).toEqual(reading(bytes(sale.body)).facts);
  });
});

describe("rules for a receiver: the answer", () => {
  test("9: what was stored is answered with 200 and the two bytes OK, whatever it said", () => {
    const { status, headers, body } = copecart.answer("stored");
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("text/plain");
    expect([...bytes(body)]).toEqual([0x4f, 0x4b]);
  });

  test("10: what could not be stored is answered so that it is sent again", () => {
    expect(copecart.answer("unavailable")).toMatchObject({ status: 503, headers: { "content-type": "text/plain" } });
  });

  test("11: a bad signature gets 401", () => {
    expect(copecart.answer("refused")).toMatchObject({ status: 401, headers: { "content-type": "text/plain" } });
  });

  test("12 and 13: the answer depends on nothing but what became of the notification, and tells no reason", () => {
    const outcomes: Outcome[] = ["refused", "unavailable"];
    for (const outcome of outcomes) {
      expect(copecart.answer(outcome).body).not.toMatch(/OK|signature|secret|header/i);
    }
  });
});

describe("rules for a receiver: reading", () => {
  test("14: an event of an unknown name is read and says nothing", () => {
    for (const event_type of ["order.completed", "purchase", "payment.trial_made", "subscription.cancelled"]) {
      expect(reading(changed(sale.name, { event_type }))).toMatchObject({
        event: event_type,
        orderId: "7kQ2mXvB",
        facts: [],
      });
    }
  });

  test("15: amounts may be text or numbers, and a field may be null, empty, missing or new", () => {
    const before = reading(bytes(sale.body)).facts;
    const numbers = { transaction_amount: 119, line_item_amount: 119.0, shipping_price: 0 };
    expect(reading(changed(sale.name, numbers)).facts).toEqual(before);
    expect(reading(changed(sale.name, { coupon: "SPRING", gift: { to: null } })).facts).toEqual(before);
    const optional = fields.filter(
      (field) => !("required" in field) && !/^transaction_(amount$|currency)/.test(field.name),
    );
    for (const { name } of optional) {
      for (const value of [null, "", undefined]) {
        expect(reading(changed(sale.name, { [name]: value })).facts).toMatchObject([
          { kind: "payment", amount: { minor: 11900n } },
        ]);
      }
    }
  });

  test("16: the recurring events are read without any field of a transaction", () => {
    for (const name of ["subscription-cancelled", "subscription-upcoming"]) {
      expect(vector(name).body).not.toMatch(/transaction_|rate_number|test_payment/);
      expect(reading(bytes(vector(name).body)).orderId).toBe("Hc5LzP1u");
    }
  });

  test("17: ids are opaque: digits stay text, zeros stay, case counts", () => {
    const ids = (product_id: string) =>
      reading(changed(sale.name, { product_id, transaction_amount_per_product: null })).facts.map(
        (fact) => fact.productId,
      );
    expect([ids("023890f8"), ids("58924473"), ids("1e5"), ids("AbC"), ids("abc")]).toEqual([
      ["023890f8"],
      ["58924473"],
      ["1e5"],
      ["AbC"],
      ["abc"],
    ]);
    expect(reading(changed(sale.name, { order_id: "7KQ2MXVB" })).orderId).toBe("7KQ2MXVB");
  });

  test("18: a refund and a chargeback that failed take nothing back", () => {
    expect(kinds("upsell-refunded", "failed_refunded")).toEqual(["refund_reversed"]);
    expect(kinds("instalment-charged-back", "chargeback_failed")).toEqual(["dispute_won"]);
  });

  test("19: a pending and a made notice of one transaction have identities of their own", () => {
    const [pending, made] = ["invoice-payment-pending", "invoice-payment-made"].map(
      (name) => reading(bytes(vector(name).body)).facts,
    );
    expect(pending?.[0]).toMatchObject({ transactionId: "47ae20d95bc8613f" });
    expect(made?.[0]).toMatchObject({ transactionId: "47ae20d95bc8613f" });
    expect(pending?.[0]?.identity).not.toBe(made?.[0]?.identity);
  });

  test("24: an upcoming payment says nothing", () => {
    expect(reading(bytes(vector("subscription-upcoming").body)).facts).toEqual([]);
  });

  test("25: the next due date is the message's own", () => {
    expect(reading(bytes(vector("subscription-renewal").body)).facts).toMatchObject([{ next: { day: "2026-06-15" } }]);
  });

  test("31: a test order is read in full and marked", () => {
    expect(reading(bytes(vector("test-order").body))).toMatchObject({ mode: "test", facts: [{ kind: "payment" }] });
  });
});

describe("rules for a sender", () => {
  const message: CopecartMessage = JSON.parse(sale.body);

  test("34: the printed bytes are the signed bytes, and print the same each time", async () => {
    const body = render(message, { money: "text", missing: "null" });
    expect(render(message, { money: "text", missing: "null" })).toEqual(body);
    expect(await sign(body, sale.secret)).toBe(sale.signature);
  });

  test("35: what is signed here is verified under the name of CopeCart's header", async () => {
    const body = render(message, { money: "number", missing: "omit" });
    expect(await check(body, await sign(body, "another secret"), ["another secret"])).toEqual({ ok: true });
  });

  test("36: only the answer to a stored notification is a success", () => {
    expect([success("stored"), success("refused"), success("unavailable")]).toEqual([true, false, false]);
  });

  test("37: recurring events are written without the fields of a transaction", () => {
    for (const event_type of ["payment.recurring.cancelled", "payment.recurring.upcoming"] as const) {
      const text = new TextDecoder().decode(render({ ...message, event_type }, { money: "text", missing: "null" }));
      expect(text).not.toMatch(/transaction_|rate_number|test_payment|line_item/);
    }
  });

  test("38: both notations of money and both forms of nothing are read as the same", () => {
    for (const { body } of vectors) {
      const known = JSON.parse(body, (_, value) =>
        typeof value === "number" && !Number.isInteger(value) ? String(value) : value,
      );
      const decimals = new Set<string>(fields.filter(({ type }) => type === "dec").map(({ name }) => name));
      const sold: CopecartMessage = JSON.parse(JSON.stringify(known), (name, value) =>
        (decimals.has(name) || name === "amount" || name === "vat_amount") && typeof value === "number"
          ? String(value)
          : value,
      );
      for (const money of ["text", "number"] as const) {
        for (const missing of ["null", "omit"] as const) {
          expect(copecart.parse(render(sold, { money, missing }))).toEqual(copecart.parse(bytes(body)));
        }
      }
    }
  });
});
