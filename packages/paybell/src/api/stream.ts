import type { Mode } from "@paybell/protocols/domain/fact";
import type { Outgoing } from "@paybell/protocols/format";
import { z } from "zod";
import { idTime, isId } from "../domain/id.ts";
import type { House } from "../house.ts";
import type { Position } from "../send/feed.ts";
import { beforeAll, type FeedEvent, newestPosition, positionOf, positionSince, readFeed } from "../send/feed-rows.ts";
import { demandScope, type Who } from "./auth.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { iso, readAt } from "./instant.ts";
import { notFound, problem } from "./problem.ts";
import { type Source, streamBody } from "./stream-body.ts";
import { connectionView, type View } from "./stream-connection.ts";

/** At once, on one node. */
const mostOfAccount = 20;
const mostOfAll = 500;

const streamQuery = z.object({
  type: z.string().min(1).max(500).optional().meta({ description: "such as payment.made,access.*" }),
  after: z.union([z.literal("start"), z.uuid()]).optional(),
  since: z.string().max(40).optional().meta({ description: "an instant or a date" }),
  connection: z.uuid().optional(),
});

/** The live feed of an account's events. */
export function stream(api: Api): void {
  const { house } = api;
  const open = new Map<string, number>();
  let all = 0;

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/stream",
      tag: "events",
      summary: "Follow events live",
      description:
        "Server-sent events: the id is the event's, the name its type, the data as in `GET /v1/events`. The header " +
        "`Last-Event-ID`, or `after`, goes on behind that event, without gaps and without repeats; `since` begins at an " +
        "instant; otherwise what comes from now on. With `connection` each message is what that outgoing connection " +
        "would be sent (scope write): `headers` and `body`, or a `fault`; nothing is sent to it by this.",
      scope: "read",
      query: streamQuery,
      ahead: true,
      answers: "text/event-stream",
      answer: z.string(),
    },
    async ({ who, query, c }) => {
      if (query.connection !== undefined) demandScope(who, "write");
      if (c.req.raw.method === "HEAD") return new Response(null, { headers });
      if (house.feed.ended) throw stopping();
      const { accountId } = who;
      if ((open.get(accountId) ?? 0) >= mostOfAccount || all >= mostOfAll) throw tooMany();
      // Counted before anything is waited for: many that come at once are as many.
      count(accountId, 1);
      try {
        const source = await sourceOf(house, who, query, c.req.header("last-event-id"));
        const ended = () => count(accountId, -1);
        return new Response(streamBody(house.feed, { ...source, ended }, house.log), { headers });
      } catch (error) {
        count(accountId, -1);
        throw error;
      }
    },
  );

  function count(accountId: string, by: 1 | -1): void {
    all += by;
    const left = (open.get(accountId) ?? 0) + by;
    if (left === 0) open.delete(accountId);
    else open.set(accountId, left);
  }
}

const headers = {
  "content-type": "text/event-stream",
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
};

async function sourceOf(
  house: House,
  who: Who,
  query: z.output<typeof streamQuery>,
  lastEventId: string | undefined,
): Promise<Omit<Source, "ended">> {
  const { accountId } = who;
  const connectionId = query.connection?.toLowerCase() ?? null;
  const view = connectionId === null ? undefined : await connectionView(house, accountId, connectionId);
  if (connectionId !== null && !(view && who.modes.includes(view.mode))) throw notFound("outgoing connection");
  const mode = view?.mode ?? who.mode;
  const { from, greet } = await begin(house, { ...who, mode }, query, lastEventId);
  const types = query.type?.split(",") ?? null;

  return {
    accountId,
    mode,
    from,
    // The id alone is no message; a reader who is cut off before the first one still knows where to go on.
    greeting: `retry: 1000\n${greet ? `id: ${from.id}\n` : ""}\n`,
    async read(after) {
      const page = await readFeed(house.pool, { accountId, mode, after, types, connectionId });
      let now: View | undefined;
      if (connectionId !== null && page.events.length > 0) {
        now = await connectionView(house, accountId, connectionId);
        if (!now) return { over: "The connection was removed." };
      }
      const texts = await Promise.all(page.events.map((event) => messageOf(event, now, house)));
      return { ...page, text: texts.join("") };
    },
    allowed: () => isValid(house, who),
  };
}

/** @returns `greet`: the reader has no id yet to go on from */
async function begin(
  { pool }: House,
  who: Who,
  { after, since }: z.output<typeof streamQuery>,
  lastEventId: string | undefined,
): Promise<{ readonly from: Position; readonly greet: boolean }> {
  const { accountId, mode, account } = who;
  const last = (lastEventId ?? after)?.toLowerCase();
  if (last !== undefined) return { from: await behind(pool, accountId, mode, last), greet: false };
  if (since !== undefined) {
    const at = readAt(since, account.zone, "since");
    return { from: await positionSince(pool, accountId, mode, at), greet: false };
  }
  return { from: await newestPosition(pool, accountId, mode), greet: true };
}

async function behind(pool: House["pool"], accountId: string, mode: Mode, last: string): Promise<Position> {
  if (last === "start" || last === beforeAll.id) return beforeAll;
  if (!isId(last)) throw problem(422, "invalid_request", "Last-Event-ID must be the id of an event.");
  // One that is forgotten by now stands for its time.
  return (await positionOf(pool, accountId, last)) ?? positionSince(pool, accountId, mode, idTime(last));
}

async function messageOf(event: FeedEvent, view: View | undefined, { clock }: House): Promise<string> {
  const data = view ? await renderedText(event, view, clock()) : eventText(event);
  if (data === undefined) return "";
  // A line end in the data would end the message; in JSON it can only stand between its parts.
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `id: ${event.id}\nevent: ${event.type}\n${lines.join("")}\n`;
}

async function renderedText(event: FeedEvent, view: View, now: number): Promise<string | undefined> {
  const { id, type, at, data } = event;
  const outgoing: Outgoing = { id, type, at, test: event.mode === "test", data };
  const rendered = await view.render(outgoing, now);
  return rendered && JSON.stringify(rendered);
}

function eventText({ id, type, mode, at, order_key, data }: FeedEvent): string {
  return `${JSON.stringify({ id, type, mode, at: iso(at), order_id: order_key }).slice(0, -1)},"data":${data}}`;
}

async function isValid({ pool }: House, { accountId, account, keyId }: Who): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: "stream_key",
    text: "select 1 from api_key where account_id = any($1) and id = $2 and revoked_at is null",
    values: [[accountId, account.parentId].filter((id) => id !== null), keyId],
  });
  return rowCount === 1;
}

function tooMany(): Error {
  const detail = `There are too many live feeds open; an account may have ${mostOfAccount} at once.`;
  return problem(429, "too_many_streams", detail, { headers: { "retry-after": "10" } });
}

function stopping(): Error {
  return problem(503, "stopping", "This server is stopping. Try again shortly.", { headers: { "retry-after": "2" } });
}
