import { type Day, parseDay } from "@paybell/protocols/domain/day";
import { type Currency, parseCurrency } from "@paybell/protocols/domain/money";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Language, MailContent } from "../../domain/mail.ts";
import { type MailKind, mailKinds } from "../../domain/product.ts";
import { renderMail } from "./render.tsx";

const eur = currency("EUR");

function day(text: string): Day {
  const parsed = parseDay(text);
  if (parsed === undefined) throw new Error(`${text} is not a day.`);
  return parsed;
}

function currency(text: string): Currency {
  const parsed = parseCurrency(text);
  if (parsed === undefined) throw new Error(`${text} is not a currency.`);
  return parsed;
}

function sample(kind: MailKind, language: Language, more: Partial<MailContent> = {}): MailContent {
  const base: MailContent = {
    kind,
    language,
    shop: { name: "Beispiel-Akademie" },
    product: { name: "Fotografieren für Anfänger", mails: {} },
    buyer: { firstName: "Zoë" },
    orderId: "A1B2C3D4",
    timeZone: "Europe/Berlin",
  };
  return { ...base, ...parts[kind], ...more };
}

const login = {
  url: "https://shop.example.com/in?ticket=abc&x=1",
  code: "482 913",
  validUntil: Date.parse("2026-02-17T09:15:00Z"),
};
const download = { url: "https://shop.example.com/get/xyz", validUntil: Date.parse("2026-03-05T09:15:00Z") };

const parts: { [kind in MailKind]: Partial<MailContent> } = {
  access_data: {
    amount: { minor: 19900n, currency: eur },
    until: { day: day("2026-02-17") },
    paidThrough: day("2026-02-10"),
    rates: { paid: 1, total: 3 },
    login,
    licence: { key: "AAAA-BBBB-CCCC-DDDD", activations: 2 },
    download,
  },
  trial: { until: { at: Date.parse("2026-04-15T10:00:00Z") }, login },
  licence_key: { licence: { key: "AAAA-BBBB-CCCC-DDDD" } },
  renewal: { amount: { minor: 2900n, currency: eur }, paidThrough: day("2026-03-15") },
  payment_failed: { until: { day: day("2026-03-08") } },
  access_paused: { pausedBecause: "unpaid" },
  access_back: { paidThrough: day("2026-04-01") },
  cancelled: { until: { day: day("2026-03-27") } },
  refunded: { amount: { minor: 2900n, currency: eur }, accessRemains: false },
};

const essential: { [kind in MailKind]: { en: string[]; de: string[] } } = {
  access_data: {
    en: [
      "482 913",
      login.url,
      "AAAA-BBBB-CCCC-DDDD",
      "2 devices",
      download.url,
      "5 March 2026",
      "1 of 3",
      "€199.00",
      "17 February 2026, 10:15 CET",
      "10 February 2026",
    ],
    de: [
      "482 913",
      login.url,
      "AAAA-BBBB-CCCC-DDDD",
      "2 Geräten",
      download.url,
      "5. März 2026",
      "1 von 3",
      "199,00 €",
      "17. Februar 2026, 10:15 MEZ",
      "10. Februar 2026",
    ],
  },
  trial: { en: ["15 April 2026, 12:00 CEST", "482 913"], de: ["15. April 2026, 12:00 MESZ", "482 913"] },
  licence_key: { en: ["AAAA-BBBB-CCCC-DDDD"], de: ["AAAA-BBBB-CCCC-DDDD"] },
  renewal: { en: ["paid through 15 March 2026", "€29.00"], de: ["bis zum 15. März 2026 bezahlt", "29,00 €"] },
  payment_failed: {
    en: ["continues until the end of 8 March 2026, and nothing is lost"],
    de: ["bleibt bis einschließlich 8. März 2026 offen, und es geht nichts verloren"],
  },
  access_paused: { en: ["are kept"], de: ["bleiben erhalten"] },
  access_back: { en: ["open for you again", "1 April 2026"], de: ["steht Ihnen wieder offen", "1. April 2026"] },
  cancelled: { en: ["until the end of 27 March 2026"], de: ["bis einschließlich 27. März 2026"] },
  refunded: { en: ["refunded €29.00", "has ended"], de: ["29,00 € für", "beendet"] },
};

const everyMail = mailKinds.flatMap((kind) => (["de", "en"] as const).map((language) => [kind, language] as const));

/** What a reader sees of an HTML part or a text part: spaces made plain, entities read. */
function read(part: string): string {
  const body = part.replace(/<style>.*?<\/style>/s, "").replace(/href="([^"]*)"/g, ">$1<");
  return body
    .replace(/<[^>]*>/g, " ")
    .replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name] ?? "")
    .replace(/\s+/g, " ");
}
const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

test.each(everyMail)("%s in %s says what matters in both parts", (kind, language) => {
  const mail = renderMail(sample(kind, language));
  for (const needed of [
    ...essential[kind][language],
    "Fotografieren für Anfänger",
    "A1B2C3D4",
    "Beispiel-Akademie",
    "Zoë",
  ]) {
    expect(read(mail.html)).toContain(needed);
    expect(read(mail.text)).toContain(needed);
  }
  expect(mail.subject).toContain("Fotografieren für Anfänger");
  expect(mail.html).toMatch(new RegExp(`^<!doctype html><html lang="${language}"`));
});

test.each(everyMail)(
  "%s in %s loads nothing from anywhere and stays far below the size mail programs cut at",
  (kind, language) => {
    const { html } = renderMail(sample(kind, language));
    expect(html).not.toMatch(/<img|<script|<link|src=|url\(|@import/);
    expect(Buffer.byteLength(html)).toBeLessThan(40_000);
  },
);

test("a key that follows is announced, and no key is shown", () => {
  const { html, text } = renderMail(sample("access_data", "de", { licence: { key: null } }));
  expect(text).toContain("Ihr Schlüssel folgt");
  expect(html).toContain("Ihr Schlüssel folgt");
  expect(text).not.toContain("AAAA");
});

test.each([
  ["en", null, "Access until: no end date"],
  ["de", null, "Zugang bis: ohne Enddatum"],
  ["en", { day: day("2026-03-27") }, "Access until: 27 March 2026"],
  ["en", { at: Date.parse("2026-03-27T23:00:00Z") }, "Access until: 27 March 2026"],
  ["de", { at: Date.parse("2026-03-27T11:30:00Z") }, "Zugang bis: 27. März 2026, 12:30 MEZ"],
] as const)("in %s an access until %o reads: %s", (language, until, line) => {
  const content = sample("licence_key", language, { until });
  expect(renderMail(content).text.split("\n")).toContain(line);
});

test("the zone of the shop decides the day, not the reader's", () => {
  const until = { at: Date.parse("2026-03-27T23:30:00Z") };
  expect(renderMail(sample("licence_key", "en", { until, timeZone: "America/New_York" })).text).toContain(
    "27 March 2026, 19:30",
  );
  expect(renderMail(sample("licence_key", "en", { until })).text).toContain("28 March 2026, 00:30");
});

test.each([
  ["JPY", 500n, "500"],
  ["KWD", 1234n, "1.234"],
  ["ISK", 1990n, "1,990"],
  ["UGX", 5000n, "5,000"],
  ["EUR", -2900n, "€29.00"],
] as const)("a refund of %s %i minor units is written %s", (code, minor, shown) => {
  const { text } = renderMail(sample("refunded", "en", { amount: { minor, currency: currency(code) } }));
  expect(text).toMatch(new RegExp(`Refunded: [^\\d-]*${shown.replace(/[.€]/g, "\\$&")}\\n`));
});

test("the days of grace are not promised while the plan runs", () => {
  expect(renderMail(sample("access_data", "en")).text).not.toContain("17 February 2026\n");
  expect(renderMail(sample("payment_failed", "en", { paidThrough: day("2026-03-01") })).text).toContain("8 March 2026");
});

test.each([
  ["unpaid", "still open"],
  ["dispute", "bank or card company"],
] as const)("a pause because of %s says so", (pausedBecause, words) => {
  expect(renderMail(sample("access_paused", "en", { pausedBecause })).text).toContain(words);
});

test("after a refund the mail says whether the access remains", () => {
  expect(renderMail(sample("refunded", "de", { accessRemains: true })).text).toContain("bleibt offen");
  expect(renderMail(sample("refunded", "de", { accessRemains: false })).text).toContain("beendet");
});

/** With the seller's subject and text. */
const own = (subject: string | undefined, text: string | undefined, more: Partial<MailContent> = {}) =>
  sample("access_data", "de", {
    product: {
      name: "Kurs",
      mails: {
        access_data: { de: { ...(subject !== undefined && { subject }), ...(text !== undefined && { text }) } },
      },
    },
    ...more,
  });

describe("the seller's own words", () => {
  test("replace heading and paragraphs, and the access data stay", () => {
    const { subject, html, text } = renderMail(
      own(
        "{product}: los geht's, {first_name}!",
        "Liebe {first_name},\n\nhier ist {product}\nzu {order}.\n \nBis bald",
      ),
    );
    expect(subject).toBe("Kurs: los geht's, Zoë!");
    expect(text.startsWith("Liebe Zoë,\n\nhier ist Kurs\nzu A1B2C3D4.\n\nBis bald\n\n")).toBe(true);
    for (const part of [read(html), read(text)]) {
      expect(part).not.toContain("Ihr Zugang ist da");
      for (const needed of ["482 913", login.url, "AAAA-BBBB-CCCC-DDDD", download.url]) expect(part).toContain(needed);
    }
  });

  test.each([
    ["bis {until} für {amount}", "bis 17. Februar 2026 für 199,00 €"],
    ["{unknown} {toString} {__proto__}", "{unknown} {toString} {__proto__}"],
    ["{ first_name } {FIRST_NAME} {{product}}", "{ first_name } {FIRST_NAME} {Kurs}"],
  ])("%s becomes %s", (text, filled) => {
    expect(read(renderMail(own(undefined, text)).text).startsWith(`${filled} `)).toBe(true);
  });

  test("a missing first name leaves no gap behind", () => {
    expect(renderMail(own("Hallo {first_name}, los geht's", undefined, { buyer: {} })).subject).toBe(
      "Hallo, los geht's",
    );
  });

  test("what is filled in is not read as a placeholder again", () => {
    expect(renderMail(own("{first_name}", undefined, { buyer: { firstName: "{product}" } })).subject).toBe("{product}");
  });

  test("blank ones and those of another language or kind change nothing", () => {
    const usual = renderMail(sample("access_data", "de", { product: { name: "Kurs", mails: {} } }));
    expect(renderMail(own("  ", "\n \n"))).toEqual(usual);
    const mails = {
      access_data: { en: { subject: "x", text: "y" } },
      trial: { de: { subject: "x" } },
      renewal: false as const,
    };
    expect(renderMail(sample("access_data", "de", { product: { name: "Kurs", mails } }))).toEqual(usual);
  });
});

describe("hostile values", () => {
  const evil = `<img src=x onerror=alert(1)>"'&\r\nBcc: all@example.com\u0000\u202E`;

  test.each(everyMail)("cannot leave their place in %s in %s", (kind, language) => {
    const mail = renderMail(
      sample(kind, language, {
        shop: { name: evil },
        product: { name: evil, mails: { [kind]: { [language]: { subject: evil, text: `{product} ${evil}` } } } },
        buyer: { firstName: evil },
        orderId: evil,
        licence: { key: evil },
        login: { ...login, code: evil, url: "javascript:alert(1)" },
        download: { ...download, url: `https://example.com/"><script>alert(1)</script>` },
      }),
    );
    expect(mail.html).not.toMatch(/<img|<script|onerror=[^&]*>"|href="javascript|\u202E/);
    expect(mail.html).not.toContain("\u0000");
    expect(mail.subject).not.toMatch(/[\p{Cc}\u202E]/u);
    expect(mail.text).toContain("javascript:alert(1)"); // shown, not linked: nothing that was paid for is hidden
  });

  test.each(["Win http://x.example", "www.casino.example", "me@example.com", "casino.com"])(
    "a first name such as %s advertises nothing",
    (firstName) => {
      const { html, text } = renderMail(sample("renewal", "en", { buyer: { firstName } }));
      expect(text).toContain("Hello,\n");
      expect(html).not.toContain(firstName);
    },
  );

  test("a subject is one line of at most 200 characters", () => {
    const { subject } = renderMail(sample("renewal", "en", { product: { name: "ä\n".repeat(500), mails: {} } }));
    expect(Array.from(subject).length).toBeLessThanOrEqual(200);
    expect(subject).not.toContain("\n");
  });
});

test("whatever the content, nothing unwritten shows and no tag opens", () => {
  fc.assert(
    fc.property(anyContent, (content) => {
      const mail = renderMail(content);
      for (const part of [mail.subject, mail.html, mail.text]) {
        expect(part).not.toMatch(/undefined|\bNaN\b|\[object|\bnull\b|Invalid Date/);
        expect(part).not.toMatch(/\p{Cs}/u); // no half characters
      }
      expect(mail.subject).not.toMatch(/[\r\n]/);
      expect(mail.subject.trim()).not.toBe("");
      const tags = new Set([...mail.html.matchAll(/<\/?([^\s>/]*)/g)].map(([, tag]) => tag));
      expect([...tags].filter((tag) => !ourTags.has(tag ?? ""))).toEqual([]);
      if (content.licence?.key) expect(mail.text).toContain(content.licence.key.replace(/\s+/g, " ").trim());
    }),
    { numRuns: 300 },
  );
});

const ourTags = new Set("!doctype html head meta title style body div table tr td h1 p a br tbody".split(" "));
const anyText = fc
  .oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.string({ maxLength: 40 }),
    fc.constant("<b>\r\n{until}{product}"),
  )
  .filter((text) => !/undefined|NaN|\[object|null|Invalid/.test(text));
const anyInstant = fc.integer({ min: 0, max: Date.parse("2200-01-01T00:00:00Z") });
const anyDay = anyInstant.map((at) => day(new Date(at).toISOString().slice(0, 10)));
const anyUntil = fc.oneof(fc.record({ day: anyDay }), fc.record({ at: anyInstant }), fc.constant(null));
const anyMailText = fc.record({ subject: anyText, text: anyText }, { requiredKeys: [] });
const anyContent: fc.Arbitrary<MailContent> = fc.record(
  {
    kind: fc.constantFrom(...mailKinds),
    language: fc.constantFrom("de", "en"),
    shop: fc.record({ name: anyText }),
    product: fc.record({
      name: anyText,
      mails: fc.dictionary(
        fc.constantFrom(...mailKinds),
        fc.oneof(fc.constant(false as const), fc.record({ de: anyMailText, en: anyMailText }, { requiredKeys: [] })),
      ),
    }),
    buyer: fc.record({ firstName: anyText }, { requiredKeys: [] }),
    orderId: anyText,
    timeZone: fc.constantFrom("Europe/Berlin", "America/New_York", "Pacific/Apia", "UTC", "Asia/Kathmandu"),
    amount: fc.record({
      minor: fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
      currency: fc.constantFrom("EUR", "JPY", "KWD", "USD", "CHF").map(currency),
    }),
    until: anyUntil,
    paidThrough: anyDay,
    rates: fc.record({ paid: fc.nat(36), total: fc.integer({ min: 1, max: 36 }) }),
    pausedBecause: fc.constantFrom("unpaid", "dispute"),
    accessRemains: fc.boolean(),
    licence: fc.record(
      { key: fc.oneof(fc.constant(null), fc.stringMatching(/^[A-Z0-9-]{1,60}$/)), activations: fc.nat() },
      { requiredKeys: ["key"] },
    ),
    login: fc.record({ url: fc.oneof(fc.webUrl(), anyText), code: anyText, validUntil: anyInstant }),
    download: fc.record({ url: fc.oneof(fc.webUrl(), anyText), validUntil: anyInstant }),
  },
  { requiredKeys: ["kind", "language", "shop", "product", "buyer", "orderId", "timeZone"] },
);
