import { Hono } from "hono";
import { renewLogin } from "../../fulfil/login-requests.ts";
import { type LoginVerdict, lookAtLogin, redeemLogin } from "../../fulfil/logins.ts";
import type { Link } from "../../fulfil/link-rows.ts";
import type { House } from "../../house.ts";
import { pageError, show, visitor } from "./link-page.ts";
import { guardHeaders } from "./page.tsx";

/**
 * A login link's page. Opening it changes nothing, for mail scanners open every link; its button does, once:
 * the browser goes on to the product's login address with a ticket.
 */
export function loginPages(house: House): Hono {
  const app = new Hono();
  app.onError(pageError(house));

  app.get("/login/:token", async (c) => {
    await house.caughtUp();
    const token = c.req.param("token");
    const found = await lookAtLogin(house, token);
    const who = visitor(c, found?.link ?? null);
    const { texts } = who;
    if (!found) return show(who, 404, texts.unknown);
    if (found.verdict !== "good") return refused(who, found.verdict, token);
    const button = { label: texts.login.button, action: `/login/${token}` };
    return show(who, 200, texts.login.ready(who.product), { button, leadsAway: loginUrl(found.link) !== undefined });
  });

  app.post("/login/:token", async (c) => {
    await house.caughtUp();
    const token = c.req.param("token");
    const done = await redeemLogin(house, token);
    const who = visitor(c, done?.link ?? null);
    if (!done) return show(who, 404, who.texts.unknown);
    if (done.verdict !== "good" || done.ticket === undefined) return refused(who, done.verdict, token);
    const url = loginUrl(done.link);
    if (url === undefined) return show(who, 200, who.texts.login.confirmed(who.shop ?? ""));
    return new Response(null, { status: 303, headers: { ...guardHeaders, location: withTicket(url, done.ticket) } });
  });

  app.post("/login/:token/new", async (c) => {
    await house.caughtUp();
    const token = c.req.param("token");
    const found = await lookAtLogin(house, token);
    const who = visitor(c, found?.link ?? null);
    if (!found) return show(who, 404, who.texts.unknown);
    await renewLogin(house, token);
    return show(who, 200, who.texts.login.sent);
  });

  return app;
}

/** The address with the ticket as its last parameter; what stands behind a # stays behind it. */
export function withTicket(address: string, ticket: string): string {
  const url = new URL(address);
  url.search = `${url.search === "" ? "?" : `${url.search}&`}ticket=${ticket}`;
  return url.href;
}

function refused(who: ReturnType<typeof visitor>, verdict: LoginVerdict, token: string): Response {
  const { login } = who.texts;
  const button = { label: login.again, action: `/login/${token}/new`, quiet: true };
  switch (verdict) {
    case "used":
    case "expired":
    case "revoked":
      return show(who, 410, login[verdict], { button });
    case "ended":
      return show(who, 403, login.ended);
    case "good":
      throw new Error("A good link is not refused.");
    default:
      throw new Error(verdict satisfies never);
  }
}

function loginUrl({ product }: Link): string | undefined {
  return product?.config.login?.url;
}
