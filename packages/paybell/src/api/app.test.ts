import { beforeAll, describe, expect, test } from "vitest";
import { openShop, type Shop } from "../testing/shop.ts";

/* What holds for every route: who may call it, whose rows it sees, and how it says no. */

let shop: Shop;
/** one key for each scope and mode */
const keys = { read: "", write: "", owner: "", test: "", other: "" };
let other = "";

const start = "2026-03-01T10:00:00";
type Problem = { status: number; code: string; detail: string; errors?: { path: string }[] };

beforeAll(async () => {
  shop = await openShop(start);
  await shop.product({ product_id: "4be81c07", features: ["course"], licence: {} });
  await shop.notify({ order_id: "LIVE", transaction_id: "t1" });
  await shop.notify({ order_id: "TEST", transaction_id: "t2", test_payment: true, buyer_email: "test@example.com" });
  for (const scope of ["read", "write", "owner"] as const) keys[scope] = await newKey({ name: scope, scope });
  keys.test = await newKey({ name: "test", scope: "owner", mode: "test" });
  other = (await shop.ok<{ id: string }>("POST", "/v1/accounts", { name: "Other" })).id;
  const made = await ask("POST", "/v1/keys", { body: { name: "o", scope: "owner" }, account: other });
  keys.other = (made.json as { key: string }).key;
});

async function newKey(body: object): Promise<string> {
  return (await shop.ok<{ key: string }>("POST", "/v1/keys", body)).key;
}

type Asking = { body?: unknown; raw?: string; key?: string; account?: string; idempotency?: string; type?: string };

async function ask(method: string, path: string, { body, raw, key, account, idempotency, type }: Asking = {}) {
  const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await shop.paybell.fetch(
    new Request(`http://127.0.0.1:8787${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key ?? "pb_live_a-key-for-tests-only-0123456789"}`,
        ...(text !== undefined && { "content-type": type ?? "application/json" }),
        ...(account && { "paybell-account": account }),
        ...(idempotency && { "idempotency-key": idempotency }),
      },
      ...(text !== undefined && { body: text }),
    }),
  );
  const answered = await response.text();
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    headers: response.headers,
    json: (answered === "" ? null : JSON.parse(answered)) as unknown,
    problem: (answered === "" ? null : JSON.parse(answered)) as Problem,
  };
}

type Spec = {
  openapi: string;
  paths: Record<string, Record<string, { security?: unknown; responses: object; "x-scope"?: string }>>;
};

async function described(): Promise<{ method: string; path: string; scope: string | undefined }[]> {
  const { paths } = (await ask("GET", "/openapi.json")).json as Spec;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, spec]) => ({ method: method.toUpperCase(), path, scope: spec["x-scope"] })),
  );
}

/** Routes that name a row, with an id of the first account that the second must not find. */
async function ownIds(): Promise<Record<string, string>> {
  const first = async (path: string) => (await shop.ok<{ data: { id: string }[] }>("GET", path)).data[0]!.id;
  return {
    connections: await first("/v1/connections"),
    products: await first("/v1/products"),
    orders: await first("/v1/orders"),
    notifications: await first("/v1/notifications"),
    mails: await first("/v1/mails"),
    customers: await first("/v1/customers"),
    alarms: await first("/v1/alarms"),
    keys: await first("/v1/keys"),
    events: await first("/v1/events"),
    deliveries: await first("/v1/deliveries"),
    jobs: (await shop.ok<{ id: string }>("POST", "/v1/deliveries/retry", { since: "2026-03-01" })).id,
  };
}

const bodies: Record<string, unknown> = {
  "POST /v1/orders/{id}/contact": { email: "new@example.com" },
  "POST /v1/products/{id}/keys": { keys: ["K-1"] },
  "POST /v1/connections/{id}/secrets": { secret: "another-secret" },
  "POST /v1/connections/{id}/recover": { since: "2026-03-01" },
};

describe("who may ask", () => {
  test.each([
    ["", "key_missing"],
    ["Bearer", "key_missing"],
    ["Basic cGI6cGI=", "key_missing"],
    ["Bearer pb_live_nobody", "key_unknown"],
  ])("the authorization %j is answered 401 %s", async (authorization, code) => {
    const response = await shop.paybell.fetch(
      new Request("http://127.0.0.1:8787/v1/orders", { headers: authorization ? { authorization } : {} }),
    );
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain("Bearer");
    expect(await response.json()).toMatchObject({ code, status: 401 });
  });

  test("a route asks for exactly the scope it is described with", async () => {
    const rank = ["read", "write", "owner"] as const;
    const id = "01890000-0000-7000-8000-000000000000";
    for (const { method, path, scope } of await described()) {
      if (scope === undefined) continue;
      const at = path.replaceAll(/\{\w+\}/g, id);
      for (const holder of rank) {
        if (holder === "owner" || rank.indexOf(holder) >= rank.indexOf(scope as "read")) continue;
        const { status, problem } = await ask(method, at, {
          key: keys[holder],
          body: method === "GET" ? undefined : {},
        });
        expect([method, path, holder, status, problem.code]).toEqual([method, path, holder, 403, "scope_missing"]);
      }
    }
  });

  test("a revoked key is useless at once, and the last owner key cannot be revoked", async () => {
    const made = (await ask("POST", "/v1/keys", { body: { name: "x", scope: "read" } })).json as {
      id: string;
      key: string;
    };
    expect((await ask("GET", "/v1/account", { key: made.key })).status).toBe(200);
    expect((await ask("DELETE", `/v1/keys/${made.id}`)).status).toBe(200);
    expect((await ask("GET", "/v1/account", { key: made.key })).problem.code).toBe("key_unknown");
    const own = (await ask("GET", "/v1/keys", { key: keys.other })).json as { data: { id: string }[] };
    expect(own.data).toHaveLength(1);
    expect((await ask("DELETE", `/v1/keys/${own.data[0]!.id}`, { key: keys.other })).problem.code).toBe(
      "last_owner_key",
    );
  });

  test("an owner key acts for accounts its own account created, and for no others", async () => {
    expect((await ask("GET", "/v1/account", { account: other })).json).toMatchObject({ id: other, name: "Other" });
    const mine = ((await ask("GET", "/v1/account")).json as { id: string }).id;
    expect((await ask("GET", "/v1/account", { account: mine, key: keys.other })).problem.code).toBe(
      "account_not_found",
    );
    expect((await ask("GET", "/v1/account", { account: other, key: keys.write })).status).toBe(404);
    expect((await ask("GET", "/v1/account", { account: "nonsense" })).status).toBe(404);
    expect((await ask("POST", "/v1/accounts", { key: keys.other, body: { name: "x" } })).status).toBe(403);
  });
});

describe("whose rows", () => {
  test("another account's ids are answered 404 on every route that takes one, and nothing changes", async () => {
    const ids = await ownIds();
    const before = JSON.stringify([await shop.order("LIVE"), (await ask("GET", "/v1/products")).json]);
    for (const { method, path } of await described()) {
      const id = ids[path.split("/")[2] ?? ""];
      if (!path.includes("{id}") || id === undefined) continue;
      const at = path.replace("{id}", id).replaceAll(/\{\w+\}/g, id) + (method === "PUT" ? "?name=file.pdf" : "");
      const body = method === "GET" || method === "DELETE" ? undefined : (bodies[`${method} ${path}`] ?? {});
      const { status } = await ask(method, at, { key: keys.other, body });
      expect([method, path, status]).toEqual([method, path, 404]);
    }
    expect(JSON.stringify([await shop.order("LIVE"), (await ask("GET", "/v1/products")).json])).toBe(before);
  });

  test("another account's lists are empty", async () => {
    for (const list of [
      "connections",
      "products",
      "orders",
      "notifications",
      "mails",
      "customers",
      "alarms",
      "events",
      "waiting",
      "deliveries",
      "jobs",
    ])
      expect([list, (await ask("GET", `/v1/${list}`, { key: keys.other })).json]).toMatchObject([list, { data: [] }]);
    const access = await ask("GET", "/v1/access?email=kim@example.com&feature=course", { key: keys.other });
    expect(access.json).toMatchObject({ allowed: false, state: "none", because: [] });
  });

  test("a source of another account is free", async () => {
    const body = { name: "Theirs", sources: [{ protocol: "copecart", product_id: "4be81c07" }] };
    expect((await ask("POST", "/v1/products", { key: keys.other, body })).status).toBe(201);
  });
});

describe("test and live", () => {
  test("each list shows one space, and a test key sees nothing of the live one", async () => {
    const orders = async (key: string, query = "") =>
      ((await ask("GET", `/v1/orders${query}`, { key })).json as { data: { order_id: string }[] }).data.map(
        (order) => order.order_id,
      );
    expect(await orders(keys.owner)).toEqual(["LIVE"]);
    expect(await orders(keys.owner, "?mode=test")).toEqual(["TEST"]);
    expect(await orders(keys.test)).toEqual(["TEST"]);
    expect((await ask("GET", "/v1/orders?mode=live", { key: keys.test })).problem.code).toBe("mode_forbidden");
    const live = await shop.order("LIVE");
    expect((await ask("GET", `/v1/orders/${live.id}`, { key: keys.test })).status).toBe(404);
    expect((await ask("POST", `/v1/orders/${live.id}/resend`, { key: keys.test })).status).toBe(404);
  });

  test("access in the test space says nothing about the live one", async () => {
    const path = "/v1/access?email=test@example.com&feature=course";
    expect((await ask("GET", path)).json).toMatchObject({ allowed: false, state: "none" });
    expect((await ask("GET", `${path}&mode=test`)).json).toMatchObject({ allowed: true });
    expect((await ask("GET", path, { key: keys.test })).json).toMatchObject({ allowed: true });
  });

  test.each([
    ["POST", "/v1/products", { name: "x" }],
    ["PATCH", "/v1/account", { name: "x" }],
    ["POST", "/v1/keys", { name: "x", scope: "owner", mode: "live" }],
    ["POST", "/v1/connections", { protocol: "copecart", name: "x", mode: "live" }],
    ["POST", "/v1/rebuild", {}],
  ])("a test key cannot %s %s for the live space", async (method, path, body) => {
    expect((await ask(method, path, { key: keys.test, body })).problem).toMatchObject({
      status: 403,
      code: "mode_forbidden",
    });
  });
});

describe("the same request again", () => {
  const body = { reference: "idem" };
  test("is done once and answered the same way under one Idempotency-Key", async () => {
    const first = await ask("POST", "/v1/customers", { body, idempotency: "k1" });
    const second = await ask("POST", "/v1/customers", { body, idempotency: "k1" });
    expect(first.status).toBe(201);
    expect([second.status, second.json]).toEqual([201, first.json]);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
  });

  test("another request under a used key is refused", async () => {
    await ask("POST", "/v1/customers", { body: { reference: "idem2" }, idempotency: "k2" });
    const reused = await ask("POST", "/v1/customers", { body: { reference: "idem3" }, idempotency: "k2" });
    expect(reused.problem).toMatchObject({ status: 422, code: "idempotency_key_reused" });
  });

  test("several at once make one row; the others are told to wait or get the same answer", async () => {
    const wanted = { body: { reference: "at once" }, idempotency: "k3" };
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask("POST", "/v1/customers", wanted)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(
      new Set(answers.some(({ status }) => status === 409) ? [201, 409] : [201]),
    );
    const made = answers.filter(({ status }) => status === 201).map(({ json }) => (json as { id: string }).id);
    expect(new Set(made).size).toBe(1);
    for (const { problem } of answers.filter(({ status }) => status === 409))
      expect(problem.code).toBe("idempotency_in_progress");
  });

  test("a request that was refused may be sent again, put right, under the same key", async () => {
    expect((await ask("POST", "/v1/customers", { body: {}, idempotency: "k4" })).status).toBe(422);
    expect((await ask("POST", "/v1/customers", { body: { reference: "r4" }, idempotency: "k4" })).status).toBe(201);
  });

  test("an answer with a secret is not repeated to a key that could not have asked for it", async () => {
    const asking = { body: { name: "ci", scope: "owner" }, idempotency: "k-secret" };
    expect((await ask("POST", "/v1/keys", asking)).status).toBe(201);
    for (const key of [keys.read, keys.write]) {
      const repeated = await ask("POST", "/v1/keys", { ...asking, key });
      expect(repeated.status).toBeGreaterThanOrEqual(400);
      expect(JSON.stringify(repeated.json)).not.toContain("pb_live_");
    }
  });

  test("one account's key says nothing to another account", async () => {
    await ask("POST", "/v1/customers", { body: { reference: "mine" }, idempotency: "k5" });
    const theirs = await ask("POST", "/v1/customers", {
      body: { reference: "theirs" },
      idempotency: "k5",
      key: keys.other,
    });
    expect(theirs.status).toBe(201);
  });
});

describe("how it says no", () => {
  test.each<[string, string, Asking, number, string]>([
    ["GET", "/v1/nothing", {}, 404, "no_such_route"],
    ["GET", "/v1/orders/nonsense", {}, 404, "not_found"],
    ["GET", "/v1/orders/01890000-0000-7000-8000-000000000000", {}, 404, "not_found"],
    ["DELETE", "/v1/orders", {}, 405, "method_not_allowed"],
    ["PATCH", "/healthz", {}, 405, "method_not_allowed"],
    ["POST", "/v1/customers", { raw: "{" }, 400, "invalid_json"],
    ["POST", "/v1/customers", { raw: "a=b", type: "application/x-www-form-urlencoded" }, 415, "unsupported_media_type"],
    ["POST", "/v1/customers", { body: { reference: "" } }, 422, "invalid_request"],
    ["POST", "/v1/customers", { body: { reference: "r", email: "x" } }, 422, "invalid_request"],
    ["POST", "/v1/customers", { raw: `"${"x".repeat(1024 * 1024)}"` }, 413, "body_too_large"],
    ["GET", "/v1/orders?limit=201", {}, 422, "invalid_request"],
    ["GET", "/v1/orders?cursor=x", {}, 422, "invalid_request"],
    ["GET", "/v1/orders?mode=both", {}, 422, "invalid_request"],
    ["GET", "/v1/access", {}, 422, "invalid_request"],
    ["GET", "/v1/access?email=kim@example.com&at=tomorrow", {}, 422, "invalid_request"],
    ["POST", "/v1/connections", { body: { direction: "out", protocol: "copecart", name: "x" } }, 422, "url_invalid"],
    ["POST", "/v1/connections", { body: { protocol: "telegraph", name: "x" } }, 422, "protocol_unknown"],
    [
      "POST",
      "/v1/products",
      { body: { name: "x", sources: [{ protocol: "copecart", product_id: "4be81c07" }] } },
      409,
      "source_taken",
    ],
  ])("%s %s is a problem with a stable code", async (method, path, asking, status, code) => {
    const answer = await ask(method, path, asking);
    expect(answer.type).toBe("application/problem+json");
    expect(answer.problem).toMatchObject({ type: "about:blank", title: expect.any(String) as string, status, code });
    expect(answer.status).toBe(status);
    if (code === "method_not_allowed") expect(answer.headers.get("allow")).toContain("GET");
  });

  test.each([
    ["POST", "/v1/products", { name: "a\u0000b" }],
    ["POST", "/v1/products", { name: "a", sources: [{ protocol: "copecart", product_id: "a\u0000" }] }],
    ["GET", "/v1/access?email=a%00@example.com", undefined],
    ["GET", "/v1/orders?order_id=%00", undefined],
    ["GET", "/v1/notifications?order_id=%00", undefined],
  ])("%s %s with the character U+0000 is the sender's fault", async (method, path, body) => {
    expect((await ask(method, path, { body })).problem).toMatchObject({ status: 422, code: "invalid_request" });
  });

  test("a body with faults names each field", async () => {
    const { problem } = await ask("POST", "/v1/products", { body: { features: [""], settings: { grace_days: -1 } } });
    expect(problem.errors?.map(({ path }) => path)).toEqual(
      expect.arrayContaining(["name", "settings.grace_days"]) as string[],
    );
  });
});

describe("pages", () => {
  test("reading page by page shows every row once, newest first, and then ends", async () => {
    for (let n = 0; n < 5; n++) await shop.ok("POST", "/v1/customers?mode=test", { reference: `page ${n}` });
    const whole = (await ask("GET", "/v1/customers?mode=test&limit=200")).json as { data: { id: string }[] };
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const path = `/v1/customers?mode=test&limit=2${cursor && `&cursor=${cursor}`}`;
      const { data, next_cursor } = (await ask("GET", path)).json as {
        data: { id: string }[];
        next_cursor: string | null;
      };
      expect(data.length).toBeLessThanOrEqual(2);
      seen.push(...data.map(({ id }) => id));
      cursor = next_cursor;
    }
    expect(seen).toEqual(whole.data.map(({ id }) => id));
    expect(seen).toEqual(seen.toSorted().toReversed());
  });

  test("events can be polled oldest first, each once", async () => {
    const whole = (await ask("GET", "/v1/events?limit=200")).json as { data: { id: string }[] };
    expect(whole.data.length).toBeGreaterThan(0);
    const seen: string[] = [];
    let after = "start";
    for (;;) {
      const { data, last_id } = (await ask("GET", `/v1/events?after=${after}&limit=1`)).json as {
        data: { id: string }[];
        last_id: string;
      };
      if (data.length === 0) expect(last_id).toBe(after);
      if (data.length === 0) break;
      seen.push(...data.map(({ id }) => id));
      after = last_id;
    }
    expect(seen.toSorted()).toEqual(whole.data.map(({ id }) => id).toSorted());
  });
});

describe("the description", () => {
  test("names every route there is, each with what it answers", async () => {
    const { createApi } = await import("./app.ts");
    const routes = createApi({} as never)
      .routes.filter(({ method, path }) => method !== "ALL" && path.startsWith("/v1/"))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    const spec = (await ask("GET", "/openapi.json")).json as Spec;
    expect(spec.openapi).toBe("3.1.0");
    const known = (await described()).map(({ method, path }) => `${method} ${path}`);
    expect(routes.length).toBeGreaterThan(30);
    expect(routes.filter((route) => !known.includes(route))).toEqual([]);
    for (const methods of Object.values(spec.paths))
      for (const operation of Object.values(methods))
        expect(Object.keys(operation.responses).length).toBeGreaterThan(0);
  });

  test("is there without a key, as are the two health routes", async () => {
    for (const path of ["/openapi.json", "/healthz", "/readyz"]) {
      const response = await shop.paybell.fetch(new Request(`http://127.0.0.1:8787${path}`));
      expect([path, response.status]).toEqual([path, 200]);
    }
  });
});
