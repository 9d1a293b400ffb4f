import { beforeAll, describe, expect, test } from "vitest";
import { loopback } from "../testing/out-connection.ts";
import { openShop, type Shop } from "../testing/shop.ts";

let shop: Shop;

beforeAll(async () => {
  shop = await openShop("2026-03-01T10:00:00", loopback);
});

function out(fields: object): object {
  return { direction: "out", protocol: "standard-webhooks", name: "x", url: "https://shop.example.com/", ...fields };
}

describe("what cannot be connected is refused with a reason", () => {
  test.each<[string, string, object]>([
    ["url_invalid", "url", { url: undefined }],
    ["url_invalid", "url", { url: "shop.example.com" }],
    ["https_required", "url", { url: "ftp://shop.example.com/" }],
    ["address_not_public", "url", { url: "https://10.0.0.1/" }],
    ["address_not_public", "url", { url: "http://[::1]/" }],
    ["url_with_password", "url", { url: "https://a:b@shop.example.com/" }],
    ["protocol_unknown", "protocol", { protocol: "telegraph" }],
    ["header_invalid", "headers.Host", { headers: { Host: "x" } }],
    ["header_invalid", "headers.webhook-id", { headers: { "webhook-id": "x" } }],
    ["header_invalid", "headers.X-A", { headers: { "X-A": "a\r\nb: c" } }],
    ["header_invalid", "headers.a b", { headers: { "a b": "x" } }],
    ["header_invalid", "headers.X-a", { headers: { "x-a": "1", "X-a": "2" } }],
    ["header_invalid", "headers.USER-AGENT", { protocol: "copecart", headers: { "USER-AGENT": "x" } }],
    ["secret_unfit", "secrets.0", { secrets: ["whsec_c2hvcnQ="] }],
    ["secret_unfit", "secrets.0", { secrets: [`whpk_${Buffer.alloc(32, 1).toString("base64")}`] }],
    ["secret_unfit", "secrets.0", { secrets: [`whsk_${Buffer.alloc(64, 1).toString("base64")}`] }],
    ["secret_unfit", "secrets.0", { protocol: "digistore24", secrets: ["x".repeat(64)] }],
    ["tls_invalid", "tls.cert", { tls: { cert: "x", key: "y" } }],
    ["tls_invalid", "tls.cert", { tls: { key: "y" } }],
    ["tls_invalid", "tls.key", { tls: { cert: "x", ca: "z" } }],
    ["tls_invalid", "tls.ca", { tls: { ca: "z" } }],
    ["tls_invalid", "tls", { tls: {} }],
    ["invalid_request", "events.0", { events: ["everything"] }],
    ["invalid_request", "amount", { amount: { min_minor: 2, max_minor: 1 } }],
    ["invalid_request", "amount.currency", { amount: { currency: "EURO" } }],
    ["invalid_request", "concurrency", { concurrency: 0 }],
    ["invalid_request", "timeout_seconds", { timeout_seconds: 31 }],
    ["invalid_request", "schedule", { schedule: "never" }],
    ["invalid_request", "money", { money: "number" }],
    ["invalid_request", "provider_account", { provider_account: "x" }],
    ["invalid_request", "url", { direction: "in", protocol: "copecart" }],
    ["events_not_expressible", "events", { protocol: "copecart", events: ["access.*"] }],
  ])("%s at %s: %j", async (code, path, fields) => {
    const { status, json } = await shop.api("POST", "/v1/connections", out(fields));
    const problem = json as { code: string; errors: { path: string }[] };
    expect([status, problem.code, problem.errors[0]?.path]).toEqual([422, code, path]);
    expect((await shop.ok<{ data: unknown[] }>("GET", "/v1/connections")).data).toEqual([]);
  });

  test.each([
    ["protocol", { protocol: undefined }],
    ["protocol", { protocol: undefined, direction: "in" }],
    ["name", { name: undefined }],
  ])("%s that is not there is named, without the validator's words", async (path, fields) => {
    const { status, json } = await shop.api("POST", "/v1/connections", out(fields));
    const { detail, errors } = json as { detail: string; errors: { path: string; message: string }[] };
    expect([status, detail, errors]).toEqual([
      422,
      `The body does not fit: ${path} is missing.`,
      [{ path, message: "is missing" }],
    ]);
  });
});
