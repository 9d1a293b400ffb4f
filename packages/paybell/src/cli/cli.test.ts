import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bytes, vector } from "../../../protocols/src/copecart/fixtures/vectors.ts";
import { vector as paddleVector } from "../../../protocols/src/paddle/fixtures/vectors.ts";
import { beforeAll, describe, expect, test } from "vitest";
import { stories } from "../simulate/stories.ts";
import {
  buildCommand,
  type Ended,
  type Line,
  linesOf,
  runCommand,
  type Serving,
  startServing,
  temporaryFolder,
} from "../testing/command.ts";

const folder = temporaryFolder();
let shop: Serving;
let key: string;

beforeAll(async () => {
  buildCommand();
  shop = await startServing(["serve", "--data", "./data", "--port", "0"], folder);
  key = String(shop.said["new_api_key"]);
}, 180_000);

describe("serve", () => {
  test("says where it listens, the key it made, and that no mail is sent", () => {
    expect(shop.said).toMatchObject({ url: `http://127.0.0.1:${shop.said.port}`, mail: "kept" });
    expect(key).toMatch(/^pb_live_[\w-]{40,}$/);
  });

  test("prints a command for the first sale that works as printed", async () => {
    const printed = String(shop.said["first_sale"]);
    expect(printed).toMatch(/^(npx paybell|node \S+paybell\.js) simulate copecart one-time --url \S+ --key \S+$/);
    const args = printed.slice(printed.indexOf("simulate")).split(" ");
    const { code, stdout } = await runCommand(args, { cwd: folder });
    expect(stdout).toContain("200 OK");
    expect(stdout).toContain("✓ course, today: Open without end.");
    expect(stdout).toMatch(/✉ .*Kräuterwissen · kept and shown, not sent: SMTP_URL is not set/);
    expect(code).toBe(0);
  });

  test("on a port that is taken says so in one sentence, and makes no store", async () => {
    const other = temporaryFolder();
    const { code, stdout, stderr } = await runCommand(["serve", "--port", String(shop.said.port)], { cwd: other });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(sentences(stderr)).toEqual([
      expect.stringMatching(/^paybell: Port \d+ on 127.0.0.1 is taken .* \(port_in_use\)$/),
    ]);
    await expect(readFile(join(other, "paybell-data/master.key"))).rejects.toThrow("ENOENT");
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "stops cleanly on %s, and the next one has everything",
    async (signal) => {
      const place = temporaryFolder();
      const first = await startServing(["serve", "--port", "0"], place);
      const sold = [
        "simulate",
        "copecart",
        "one-time",
        "--url",
        first.said.url,
        "--key",
        String(first.said["new_api_key"]),
      ];
      expect((await runCommand(sold)).code).toBe(0);
      first.child.kill(signal);
      expect(await first.ended).toBe(0);
      expect(await first.rest).toEqual([{ type: "stopped" }]);
      const rebuilt = await runCommand(["rebuild", "--json"], { cwd: place });
      expect(linesOf(rebuilt.stdout)).toEqual([{ type: "rebuilt", notifications: 1, items: 1, differences: 0 }]);
    },
    60_000,
  );
});

describe("simulate", () => {
  /** what the buyer may use in the end, and which mails were written */
  const ends: Readonly<Record<string, { open: string[]; closed?: string[]; mails: string[] }>> = {
    "one-time": { open: ["course"], mails: ["access_data"] },
    upsell: { open: ["book", "course"], mails: ["access_data", "access_data"] },
    subscription: {
      open: ["club", "month 1", "month 2", "month 3"],
      mails: ["access_data", "payment_failed", "renewal"],
    },
    instalments: { open: ["training"], mails: ["access_data", "renewal"] },
    trial: { open: ["club", "month 1"], mails: ["renewal", "trial"] },
    cancelled: { open: ["club", "month 1", "month 2"], mails: ["access_data", "cancelled"] },
    refund: { open: [], closed: ["course"], mails: ["access_data", "refunded"] },
    "partial-refund": { open: ["course"], mails: ["access_data", "refunded"] },
    chargeback: { open: ["course"], mails: ["access_back", "access_data", "access_paused"] },
    "chargeback-lost": { open: [], closed: ["course"], mails: ["access_data", "access_paused"] },
    shuffled: { open: ["club", "month 1", "month 2", "month 3"], mails: expect.arrayContaining(["access_data"]) },
    duplicates: { open: ["course"], mails: ["access_data"] },
  };

  test.each(stories.map(({ name }) => name))("%s ends as it should", async (name) => {
    const { code, stdout, stderr } = await simulate(name, "--json");
    expect(sentences(stderr)).toEqual([]);
    expect(code).toBe(0);
    const lines = linesOf(stdout);
    const attempts = lines.filter(({ type }) => type === "attempt");
    expect(attempts.length).toBeGreaterThan(0);
    expect(attempts.every(({ result }) => result === "delivered")).toBe(true);
    const features = Object(lines.findLast(({ type }) => type === "access"))["features"];
    const named = (isOpen: boolean) =>
      features
        .filter(({ allowed }: { allowed: boolean }) => allowed === isOpen)
        .map(({ feature }: { feature: string }) => feature);
    const mails = lines.filter(({ type }) => type === "mail").map(({ kind }) => String(kind));
    expect({ open: named(true), closed: named(false), mails: mails.toSorted() }).toEqual({ closed: [], ...ends[name] });
  });

  test("told with the same seed is the same order, and changes nothing the second time", async () => {
    const first = linesOf((await simulate("refund", "--seed", "7", "--json")).stdout);
    const second = linesOf((await simulate("refund", "--seed", "7", "--json")).stdout);
    expect(orders(second)).toEqual(orders(first));
    expect(second.filter(({ type }) => type === "mail")).toEqual(first.filter(({ type }) => type === "mail"));
  });

  test("as a test stays in the test space: nobody is mailed", async () => {
    const { stdout } = await simulate("one-time", "--test", "--json");
    expect(linesOf(stdout).findLast(({ type }) => type === "mail")).toMatchObject({ to: null });
  });

  test("amounts written as numbers, without empty fields, come to the same", async () => {
    expect((await simulate("upsell", "--money", "number", "--missing", "omit")).code).toBe(0);
  });

  test("with a wrong secret is refused, and says what the receiver answered", async () => {
    const connections = await fetch(`${shop.said.url}/v1/connections`, { headers: { authorization: `Bearer ${key}` } });
    const { data }: { data: { url: unknown }[] } = JSON.parse(await connections.text());
    const to = ["--to", String(data[0]?.url), "--secret", "another", "--speed", "1000000"];
    const { code, stdout, stderr } = await runCommand(["simulate", "copecart", "one-time", ...to, "--json"]);
    expect(code).toBe(1);
    expect(linesOf(stdout).filter(({ type }) => type === "attempt")).toHaveLength(11);
    expect(linesOf(stdout).at(-1)).toMatchObject({ type: "failure", code: "not_delivered" });
    expect(stderr).toContain('gives up after 11 attempts: 401 "refused"');
  });

  test("of an unknown story lists the stories", async () => {
    const { code, stderr } = await simulate("nope");
    expect(code).toBe(2);
    for (const { name } of stories) expect(stderr).toContain(name);
  });

  test.each([
    ["without a key", ["--url", "http://127.0.0.1:1"], "key_missing", 2],
    ["where nothing listens", ["--url", "http://127.0.0.1:1", "--key", "pb_live_x"], "server_unreachable", 1],
    ["with --to alone", ["--to", "http://127.0.0.1:1"], "target_incomplete", 2],
  ] as const)("%s says what to do", async (_, args, code, exit) => {
    const ended = await runCommand(["simulate", "copecart", "one-time", ...args]);
    expect(ended.code).toBe(exit);
    expect(sentences(ended.stderr)).toEqual([expect.stringContaining(`(${code})`)]);
  });

  test("with a key the server does not know says so", async () => {
    const { code, stderr } = await runCommand([
      "simulate",
      "copecart",
      "one-time",
      "--url",
      shop.said.url,
      "--key",
      "pb_live_x",
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain("(key_unknown)");
  });
});

describe("verify", () => {
  const { body, secret, signature } = vector("one-time-payment-made");
  const asked = ["verify", "copecart", "--secret", secret];

  test("reads what a well-signed notification says", async () => {
    const file = join(folder, "body.json");
    await writeFile(file, bytes(body));
    const { code, stdout } = await runCommand([...asked, "--signature", signature, "--body", file]);
    expect(stdout).toContain("✓ The signature fits");
    expect(stdout).toContain("payment 1 of 119.00 EUR");
    expect(code).toBe(0);
  });

  test("of a signature that does not fit says why, and fails", async () => {
    const { code, stdout } = await runCommand([...asked, "--signature", signature, "--json"], { input: `${body}\n` });
    expect(linesOf(stdout).map((line) => [line.type, line["code"]])).toEqual([
      ["signature", "body_line_end"],
      ["reading", undefined],
    ]);
    expect(code).toBe(1);
  });

  test("without a signature says what it should be", async () => {
    const { code, stdout } = await runCommand([...asked, "--json"], { input: body });
    expect(linesOf(stdout)[0]).toMatchObject({ type: "signature", fits: null, expected: signature });
    expect(code).toBe(0);
  });

  test("of what is no notification says so", async () => {
    const { code, stdout } = await runCommand(asked, { input: "[]" });
    expect(stdout).toContain("(unreadable_shape)");
    expect(code).toBe(1);
  });
});

describe("verify, for other providers", () => {
  const paddle = paddleVector("transaction-completed");
  const headersFile = join(folder, "headers");
  const asked = ["verify", "paddle", "--secret", paddle.secret, "--headers", headersFile];
  const headers = Object.entries(paddle.headers).map(([name, value]) => `${name}: ${value}`);

  test("takes the headers from a file and the instant it came from a flag", async () => {
    await writeFile(headersFile, `${headers.join("\n")}\n`);
    const at = ["--at", new Date(1000 * paddle.at).toISOString()];
    const good = await runCommand([...asked, ...at], { input: paddle.body });
    expect(good.stdout).toContain("✓ It is genuine");
    const late = await runCommand([...asked, "--json"], { input: paddle.body });
    expect(linesOf(late.stdout)[0]).toMatchObject({ type: "signature", fits: false, code: "timestamp_too_old" });
    expect(late.code).toBe(1);
  });

  test("of what only the provider can prove says what would be asked", async () => {
    const body =
      "receiver_email=shop%40example.com&txn_id=1&payment_status=Completed&txn_type=web_accept&payer_email=kim%40example.com";
    const options = JSON.stringify({ receiver: "shop@example.com" });
    const { code, stdout } = await runCommand(["verify", "paypal-ipn", "--options", options], { input: body });
    expect(stdout).toContain("POST https://ipnpb.paypal.com/cgi-bin/webscr would be asked");
    expect(code).toBe(1);
  });

  test.each([
    [["--headers", "/nonexistent"], "file_unreadable"],
    [["--options", "[1]"], "options_unreadable"],
    [["--at", "soon"], "at_invalid"],
  ])("%j is wrong usage: %s", async (args, code) => {
    const { code: exit, stderr } = await runCommand(["verify", "paddle", "--secret", "s", ...args], { input: "{}" });
    expect(stderr).toContain(`(${code})`);
    expect(exit).toBe(2);
  });
});

describe("replay and rebuild", () => {
  const store = ["--data", join(folder, "data"), "--json"];

  test("replay of everything changes nothing", async () => {
    const replayed = linesOf((await runCommand(["replay", "--since", "400d", ...store])).stdout);
    expect(Number(replayed[0]?.["notifications"])).toBeGreaterThan(0);
    const { code, stdout } = await runCommand(["rebuild", ...store]);
    expect(linesOf(stdout).at(-1)).toMatchObject({ type: "rebuilt", differences: 0 });
    expect(code).toBe(0);
  });

  test.each([
    [["12"], "id_invalid", 2],
    [["--since", "yesterday"], "since_invalid", 2],
    [["01a2043b-26b2-741b-9646-92cda1535598"], "notification_unknown", 1],
  ] as const)("replay %s is refused as %s", async (args, code, exit) => {
    const ended = await runCommand(["replay", ...args, ...store]);
    expect([ended.code, linesOf(ended.stdout).at(-1)?.["code"]]).toEqual([exit, code]);
  });
});

describe("doctor", () => {
  test("finds nothing wrong with a store in use", async () => {
    const { code, stdout } = await runCommand(["doctor", "--data", join(folder, "data"), "--json"]);
    const findings = linesOf(stdout).filter(({ type }) => type === "finding");
    expect(findings.filter(({ state }) => state === "bad")).toEqual([]);
    expect(findings.map(({ what }) => what)).toEqual(
      expect.arrayContaining([
        "Node",
        "Data folder",
        "Disk",
        "Master key",
        "Store",
        "Clock",
        "Schema",
        "Secrets",
        "Waiting",
        "Products",
        "Mail",
      ]),
    );
    expect(code).toBe(0);
  });

  test("names all that is wrong at once, and makes nothing", async () => {
    const broken = temporaryFolder();
    await mkdir(join(broken, "paybell-data"));
    await writeFile(join(broken, "paybell-data/master.key"), "short\n");
    await chmod(join(broken, "paybell-data/master.key"), 0o644);
    const wrong = ["--public-url", "http://pay.example.com", "--smtp-url", "smtp://127.0.0.1:1"];
    const database = ["--database", "postgres://nobody@127.0.0.1:1/none"];
    const { code, stdout } = await runCommand(["doctor", "--json", ...wrong, ...database], { cwd: broken });
    const bad = linesOf(stdout).filter(({ state }) => state === "bad");
    expect(bad.map(({ what }) => what)).toEqual(["Master key", "Store", "Public URL", "Mail"]);
    expect(code).toBe(1);
  });

  test("of a folder that is not there says what would make it, without making it", async () => {
    const nowhere = temporaryFolder();
    const { code, stdout } = await runCommand(["doctor"], { cwd: nowhere });
    expect(stdout).toContain('"paybell serve" makes it');
    expect(code).toBe(0);
    await expect(readFile(join(nowhere, "paybell-data"))).rejects.toThrow("ENOENT");
  });
});

describe("demo", () => {
  test("sells, grants and mails, and ends by itself", async () => {
    const demo = await startServing(["demo", "--port", "0", "--speed", "600", "--seed", "1"], temporaryFolder());
    const health = await fetch(`${demo.said.url}/healthz`);
    expect(health.status).toBe(200);
    demo.child.kill("SIGINT");
    expect(await demo.ended).toBe(0);
    expect((await demo.rest).at(-1)).toEqual({ type: "stopped" });
    const { code, stdout } = await runCommand(["demo", "--port", "0", "--speed", "600", "--for", "4s", "--json"]);
    expect(code).toBe(0);
    expect(linesOf(stdout).map(({ type }) => type)).toEqual(
      expect.arrayContaining(["notification", "event", "mail", "stopped"]),
    );
  }, 60_000);
});

describe("every command", () => {
  const names = ["serve", "demo", "simulate", "verify", "listen", "replay", "rebuild", "doctor"];

  test.each(names)("%s explains itself, and refuses a flag it does not know", async (name) => {
    const help = await runCommand([name, "--help"]);
    expect(help.code).toBe(0);
    expect(help.stdout).toContain("--json");
    const refused = await runCommand([name, "--nonsense", "1"]);
    expect(refused.code).toBe(2);
    expect(sentences(refused.stderr)).toEqual([expect.stringMatching(/--nonsense.*\(unknown_flag\)$/)]);
  });

  test.each([
    [["nope"], "unknown_command"],
    [["serve", "--port", "many"], "number_invalid"],
    [["serve", "--port"], "flag_without_value"],
    [["serve", "now"], "unexpected_argument"],
    [["serve", "--database", "mysql://127.0.0.1/x"], "database_url_invalid"],
    [["serve", "--time-zone", "Mars/Base"], "time_zone_unknown"],
    [["simulate"], "protocol_unknown"],
    [["verify", "copecart"], "secret_missing"],
  ])("%j is wrong usage: %s", async (args, code) => {
    const ended = await runCommand(
      [...args, "--json"].filter((one, at, all) => !(one === "--json" && all[at - 1] === "--port")),
    );
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain(`(${code})`);
  });

  test("overview and version are printed", async () => {
    const overview = await runCommand(["--help"]);
    for (const name of names) expect(overview.stdout).toContain(name);
    expect((await runCommand(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

/** What was said on stderr, without the line about an old Node. */
function sentences(stderr: string): string[] {
  return stderr.split("\n").filter((line) => line !== "" && !line.includes("end of life"));
}

function simulate(name: string, ...more: string[]): Promise<Ended> {
  return runCommand(["simulate", "copecart", name, "--url", shop.said.url, "--key", key, ...more]);
}

function orders(lines: readonly Line[]): unknown[] {
  return lines.filter(({ type }) => type === "attempt").map((line) => line["order_id"]);
}
