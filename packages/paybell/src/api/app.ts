import { Hono } from "hono";
import { describeRoute, generateSpecs } from "hono-openapi";
import type { House } from "../house.ts";
import { ensureSpace } from "../send/retention.ts";
import { access } from "./access.ts";
import { accounts } from "./accounts.ts";
import { alarms } from "./alarms.ts";
import { type ApiEnv, authenticate } from "./auth.ts";
import { limitedBody } from "./body.ts";
import { connections } from "./connections.ts";
import { customers } from "./customers.ts";
import { deliveries } from "./deliveries.ts";
import { documentation } from "./documentation.ts";
import { downloads } from "./downloads.ts";
import type { Api } from "./endpoint.ts";
import { events } from "./events.ts";
import { idempotent } from "./idempotency.ts";
import { jobs } from "./jobs.ts";
import { keys } from "./keys.ts";
import { licenceChecks } from "./licence-checks.ts";
import { licences } from "./licences.ts";
import { logins } from "./logins.ts";
import { mails } from "./mails.ts";
import { notifications } from "./notifications.ts";
import { orders } from "./orders.ts";
import { outConnections } from "./out-connections.ts";
import { downloadPages } from "./pages/download-pages.ts";
import { loginPages } from "./pages/login-pages.ts";
import { payments } from "./payments.ts";
import { answerError, problemResponse } from "./problem.ts";
import { productKeys } from "./product-keys.ts";
import { products } from "./products.ts";
import { rebuild } from "./rebuild.ts";
import { secrets } from "./secrets.ts";
import { stream } from "./stream.ts";
import { waiting } from "./waiting.ts";

/**
 * The HTTP API: /v1/*, /openapi.json, /healthz, /readyz, and the pages of login and download links. It answers
 * everything it is given, so hand it those paths by `fetch`; mounted as a route of another app its 404 and 405
 * would be lost.
 */
export function createApi(house: House): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const api: Api = { app, house };
  let described: ReturnType<typeof generateSpecs> | undefined;
  app.onError(answerError(house));
  app.notFound((c) => {
    const allowed = methodsOf(app, c.req.path);
    if (allowed.length === 0) return problemResponse(404, "no_such_route", "There is nothing at this address.");
    const detail = `${c.req.method} is not possible here, only ${allowed.join(", ")}.`;
    return problemResponse(405, "method_not_allowed", detail, { headers: { allow: allowed.join(", ") } });
  });

  app.get("/healthz", describeRoute({ summary: "The process is up", tags: ["health"], responses: upAnswers }), (c) =>
    c.json({ status: "up" }),
  );
  app.get(
    "/readyz",
    describeRoute({ summary: "The store answers", tags: ["health"], responses: upAnswers }),
    async (c) => {
      if (await storeAnswers(house)) return c.json({ status: "ready" });
      return problemResponse(503, "store_unavailable", "The store does not answer.", {
        headers: { "retry-after": "2" },
      });
    },
  );
  app.get(
    "/openapi.json",
    describeRoute({ summary: "This description", tags: ["health"], responses: upAnswers }),
    async (c) => {
      described ??= generateSpecs(app, { documentation: documentation(house), excludeStaticFile: false });
      return c.json(await described);
    },
  );

  app.get("/", describeRoute({ summary: "A word for people", tags: ["health"], responses: upAnswers }), (c) =>
    c.text(greeting(c.req.header("accept-language") ?? "")),
  );
  app.route("/", loginPages(house));
  app.route("/", downloadPages(house));
  app.use("/v1/payments", limitedBody(8));
  app.use("/v1/*", limitedBody(1));
  app.use("/v1/*", async (_c, next) => {
    await ensureSpace(house.pool, house.clock());
    return next();
  });
  licenceChecks(api); // a licence key is enough, so before the API key is asked for
  app.use("/v1/*", authenticate(house));
  payments(api); // keeps its own keys
  app.use("/v1/*", idempotent(house));
  for (const add of parts) add(api);
  return app;
}

const parts: readonly ((api: Api) => void)[] = [
  access,
  accounts,
  alarms,
  connections,
  customers,
  deliveries,
  downloads,
  events,
  jobs,
  keys,
  licences,
  logins,
  mails,
  notifications,
  orders,
  outConnections,
  products,
  productKeys,
  rebuild,
  secrets,
  stream,
  waiting,
];

function greeting(language: string): string {
  return /^\s*de\b/i.test(language)
    ? "Paybell läuft. Die Schnittstelle ist unter /openapi.json beschrieben.\n"
    : "Paybell runs. Its API is described in /openapi.json.\n";
}

const upAnswers = { 200: { description: "Yes" }, 503: { description: "Not now" } };

/** Within a second, so that a balancer is not kept waiting by a store that hangs. */
async function storeAnswers({ pool }: House): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, 1000, false);
  });
  const asked = pool.query("select 1").then(
    () => true,
    () => false,
  );
  const answers = await Promise.race([asked, late]);
  clearTimeout(timer);
  return answers;
}

/** Methods this path does answer. */
function methodsOf(app: Hono<ApiEnv>, path: string): string[] {
  return ["GET", "POST", "PATCH", "PUT", "DELETE"].filter((method) =>
    app.router.match(method, path)[0].some(([[, route]]) => route.method === method),
  );
}
