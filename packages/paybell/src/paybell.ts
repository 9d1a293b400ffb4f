import { join } from "node:path";
import type { Instant } from "@paybell/protocols/domain/day";
import { type Logger, pino } from "pino";
import { createApi } from "./api/app.ts";
import { dropOldAnswers } from "./api/idempotency.ts";
import type { Context } from "./context.ts";
import { startEmbedded } from "./db/embedded.ts";
import type { StoreConnection } from "./db/embedded-settings.ts";
import { install } from "./db/installation.ts";
import { masterKey } from "./db/master-key.ts";
import { migrate } from "./db/migrate.ts";
import { ensurePartitions } from "./db/partitions.ts";
import { createPool, isUnavailable } from "./db/pool.ts";
import { createSeal } from "./db/seal.ts";
import type { House } from "./house.ts";
import { createCarryOn } from "./ledger/carry-on.ts";
import { rebuild, type RebuildReport } from "./ledger/rebuild.ts";
import { createConnections } from "./receive/connections.ts";
import { createDoor } from "./receive/door.ts";
import { createEnquiries } from "./receive/enquiries.ts";
import { createSilenceLook } from "./receive/silence-look.ts";
import type { StoredNotification } from "./record/stored.ts";
import { works } from "./receive/works.ts";
import { createRecorder } from "./record/record.ts";
import { createRefuser } from "./record/refuse.ts";
import { type Bell, createBell } from "./send/bell.ts";
import { createFeed, type Feed } from "./send/feed.ts";
import { httpTransport, type Network } from "./send/http.ts";
import { createJobs, dropLeftBehind } from "./send/jobs.ts";
import { createLine } from "./send/line.ts";
import { createLanes, type Lanes } from "./send/lanes.ts";
import { mailTransport } from "./send/mail.ts";
import { parseNets } from "./send/nets.ts";
import { tellOfFailing, tellOfGivenUp, tellOfHealing, tellOfRepairs } from "./send/notices.ts";
import { createPublisher } from "./send/publish.ts";
import type { Resolve } from "./send/resolve.ts";
import { dropExpired, ensureSpace } from "./send/retention.ts";
import { createMailTransport, type MailTransport } from "./send/smtp.ts";

export type PaybellOptions = {
  /** "memory", a folder for the embedded store, or a `postgres://` address; default: DATABASE_URL, else PAYBELL_DATA, else ./paybell-data */
  readonly database?: string;
  /** folder of the master key when the store is a server; default: PAYBELL_DATA, else ./paybell-data */
  readonly dataFolder?: string;
  /** first owner key; generated where missing */
  readonly apiKey?: string;
  /** 32 bytes as Base64; generated into the data folder where missing */
  readonly masterKey?: string;
  /** where the world reaches this server, for links and addresses; default http://127.0.0.1:8787 */
  readonly publicUrl?: string;
  /** `smtp://…`; without it mails are kept and shown */
  readonly smtpUrl?: string;
  /** now: milliseconds since 1970, or a Date; as a function or as an object with `now()` */
  readonly clock?: (() => number | Date) | { now(): number | Date };
  /** IANA zone in which days are days; default Europe/Berlin */
  readonly timeZone?: string;
  /** ranges in one's own network that deliveries may reach, such as `10.0.0.0/8, fd00::/8`; without it public addresses only */
  readonly allowNets?: string;
  /** `http://host:port`: deliveries go through it, and it resolves their names */
  readonly httpProxy?: string;
  /** addresses of a host's name, asked once for each connection made; default: DNS */
  readonly resolve?: Resolve;
  readonly log?: Logger;
};

export type Paybell = {
  /** every HTTP surface; mountable in Hono, Next.js, Express … */
  fetch(request: Request): Promise<Response>;
  /** background work: acting on what arrives, due changes, mails, what a dead node left behind */
  start(): Promise<void>;
  /** does all work that is due now, then returns */
  settle(): Promise<void>;
  /** ends live feeds, which never end by themselves: before a server waits for its answers to end */
  endStreams(): void;
  /** finishes what is under way and lets go of the store */
  stop(): Promise<void>;
  /** recomputes everything from the kept notifications and compares; writes and sends nothing */
  rebuild(): Promise<RebuildReport>;
  /** reads kept notifications again and applies them; without ids: all that wait */
  replay(ids?: readonly string[]): Promise<{ readonly replayed: number }>;
  /** the owner key, where it was generated just now: it is shown once */
  readonly newApiKey: string | null;
};

/**
 * Joins the stages: receive → record → ledger → access → fulfil → send.
 * @throws StoreError, MasterKeyError: each with a code and one sentence
 */
export async function createPaybell(options: PaybellOptions = {}): Promise<Paybell> {
  const log = options.log ?? pino({ name: "paybell", level: process.env.LOG_LEVEL ?? "warn" });
  const given = options.clock ?? Date;
  const clock = (): Instant => Number("now" in given ? given.now() : given());
  const dataFolder = options.dataFolder ?? process.env.PAYBELL_DATA ?? "./paybell-data";
  const database = options.database ?? process.env.DATABASE_URL ?? dataFolder;
  const store = await openStore(database, dataFolder, log);
  const { pool } = store;
  try {
    await migrate(pool);
    const seal = createSeal(await masterKey(options.masterKey, store.keyFile));
    const { newKey, accountId } = await install(pool, seal, clock(), options.apiKey);
    const publicUrl = (options.publicUrl ?? "http://127.0.0.1:8787").replace(/\/+$/, "");
    const transport = options.smtpUrl ? createMailTransport(options.smtpUrl) : null;
    const network: Network = {
      nets: parseNets(options.allowNets ?? ""),
      ...(options.resolve && { resolve: options.resolve }),
      ...(options.httpProxy && { proxy: options.httpProxy }),
    };
    await createLine(network).close(); // a proxy that cannot be one is said now, not at the first delivery
    // The lanes need the context, and it tells them.
    let lanes: Lanes | undefined;
    const feed = createFeed(pool);
    const context: Context = {
      sending: {
        offer: (offered) => lanes?.offer(offered),
        look: (laneIds) => lanes?.look(laneIds),
        announced: (accountIds) => feed.ring(accountIds),
      },
      pool,
      clock,
      seal,
      publicUrl,
      timeZone: options.timeZone ?? "Europe/Berlin",
      mailFrom: `Paybell <no-reply@${new URL(publicUrl).hostname.replace(/^[\d.]+$|^\[.*\]$/, "localhost")}>`,
      sendsMail: transport !== null,
      log,
    };
    const way: Context = { ...context, pool: store.wayPool };
    const bell = createBell(pool);
    lanes = createLanes(
      way,
      { http: httpTransport(context, network), mail: mailTransport(context, transport) },
      bell,
      {
        failing: (row, health, gone) => tellOfFailing(context, row, health, gone),
        healed: (row) => tellOfHealing(context, row),
        givenUp: (tx, results) => tellOfGivenUp(context, tx, results),
      },
      store.embedded,
    );
    return assemble(
      context,
      way,
      network,
      lanes,
      bell,
      feed,
      { ...store, stop: () => closeAll(bell, transport, store) },
      newKey,
      accountId,
    );
  } catch (error) {
    await Promise.all([pool.end(), store.wayPool.end()]);
    await store.stop();
    throw error;
  }
}

async function closeAll(bell: Bell, transport: MailTransport | null, store: Store): Promise<void> {
  await bell.stop();
  transport?.close();
  await store.stop();
}

type Store = {
  readonly pool: Context["pool"];
  /** for the way of a notification and of an event: its statements are few, and wait behind nobody's long list */
  readonly wayPool: Context["pool"];
  readonly keyFile: string | null;
  /** all its users are processes of this machine */
  readonly embedded: boolean;
  stop(): Promise<void>;
};

async function openStore(database: string, dataFolder: string, log: Logger): Promise<Store> {
  let stopping = false;
  const say = (line: string) => (stopping ? undefined : log.warn(line));
  if (/^postgres(ql)?:\/\//.test(database)) {
    return {
      ...createPools(database, say),
      keyFile: join(dataFolder, "master.key"),
      embedded: false,
      stop: async () => undefined,
    };
  }
  const template = { name: "migrated", fill: migrated };
  const embedded = await startEmbedded({ folder: database, log: say, template });
  const keyFile = database === "memory" ? null : join(database, "master.key");
  return {
    ...createPools(embedded.connection, say),
    keyFile,
    embedded: true,
    stop: () => {
      stopping = true;
      return embedded.stop();
    },
  };
}

function createPools(connection: StoreConnection | string, log: (line: string) => void) {
  return {
    pool: createPool(connection, { log }),
    wayPool: createPool(connection, { log, plannedOnce: true }),
  };
}

/** What every store in memory begins with, made once in a process. */
async function migrated(connection: StoreConnection): Promise<void> {
  const pool = createPool(connection, { max: 1 });
  try {
    await migrate(pool);
  } finally {
    await pool.end();
  }
}

function assemble(
  context: Context,
  /** the same, on the connections for the way of what is notified */
  way: Context,
  network: Network,
  lanes: Lanes,
  bell: Bell,
  feed: Feed,
  store: Store,
  newApiKey: string | null,
  accountId: string,
): Paybell {
  const carryOn = createCarryOn(way);
  const jobs = createJobs(context);
  const silence = createSilenceLook(context);
  const connections = createConnections(way);
  const refuser = createRefuser(context.pool);
  const handOver = (stored: StoredNotification) => carryOn.take(stored);
  const enquiries = createEnquiries({ context, network, connections, refuser, handOver });
  const door = createDoor({
    context: way,
    connections,
    recorder: createRecorder(way.pool),
    refuser,
    handOver,
    caughtUp: () => carryOn.caughtUp(),
    askProvider: () => enquiries.ring(),
  });
  const house: House = {
    ...context,
    caughtUp: () => within(2000, carryOn.caughtUp()),
    applyDue: async () => void (await carryOn.applyDue()),
    async replay(account, ids) {
      await enquiries.again(account, ids);
      await carryOn.replay(account, ids);
    },
    rebuild: (account) => rebuild(context, account),
    connectionsChanged: () => connections.forget(),
    keysVersion: () => bell.keysVersion(),
    keysChanged: () => bell.keysChanged(),
    network,
    publisher: createPublisher(way, (offered) => lanes.offer(offered)),
    feed,
    jobsChanged: () => void jobs.work().catch(() => undefined),
  };
  const api = createApi(house);
  let ticking: NodeJS.Timeout | undefined;
  let tick: Promise<void> = Promise.resolve();
  let stopped: Promise<void> | undefined;
  let tidiedAt = Number.NEGATIVE_INFINITY;

  return {
    newApiKey,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (!pathname.startsWith("/in/")) return api.fetch(request);
      const token = pathname.slice("/in/".length);
      return request.method === "POST" ? door.receive(request, token) : works(request, () => connections.find(token));
    },
    async start() {
      await ensureSpace(context.pool, context.clock());
      await lanes.start();
      carryOn.start();
      enquiries.start();
      ticking ??= setInterval(() => {
        tick = tick.then(() => work(leftBehindMs));
      }, tickMs);
      tick = tick.then(() => work(0));
      await tick;
    },
    async settle() {
      await enquiries.work();
      await carryOn.caughtUp();
      while ((await carryOn.recover(0)) > 0);
      await carryOn.applyDue();
      await silence.look();
      await jobs.work();
      await lanes.settle();
    },
    endStreams: () => feed.end(),
    stop: () => (stopped ??= stop()),
    rebuild: () => rebuild(context),
    async replay(ids) {
      const wanted = ids ?? (await waitingIds(context, accountId));
      await house.replay(accountId, wanted);
      return { replayed: wanted.length };
    },
  };

  async function stop(): Promise<void> {
    clearInterval(ticking);
    feed.end();
    await jobs.stop();
    await enquiries.stop();
    await tick;
    await carryOn.caughtUp();
    await lanes.stop();
    await Promise.all([context.pool.end(), way.pool.end()]);
    await store.stop();
  }

  async function work(olderThanMs: number): Promise<void> {
    await part(() => carryOn.recover(olderThanMs));
    await part(() => carryOn.applyDue());
    // Beside the rest: a long job must not keep what is due from its turn.
    void part(() => jobs.work());
    void part(() => enquiries.work());
    await part(() => lanes.tick());
    await part(() => silence.tick());
    if (performance.now() - tidiedAt > 3_600_000) {
      tidiedAt = performance.now();
      await part(tidy);
    }
  }

  async function tidy(): Promise<void> {
    await dropOldAnswers(context, context.clock());
    // Ahead of time, so that the first notification of a month waits for nobody's long query.
    await ensurePartitions(context.pool, "notification", [context.clock(), context.clock() + weekMs]);
    await ensureSpace(context.pool, context.clock());
    await dropExpired(context.pool, context.clock());
    await dropLeftBehind(context.pool);
    await tellOfRepairs(context);
  }

  /** What goes wrong with one part of the work keeps no other from being done. */
  async function part(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      const { code } = error as { code?: string };
      if (isUnavailable(error)) context.log.warn({ code }, "background work waits for the store");
      else context.log.error({ code }, "background work failed");
    }
  }
}

const tickMs = 2500;
const weekMs = 7 * 86_400_000;
/** A node that lives acts on what it recorded within this. */
const leftBehindMs = 5000;

async function waitingIds({ pool }: Context, accountId: string): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    "select id from notification where account_id = $1 and state = 'waiting' order by id limit 10000",
    [accountId],
  );
  return rows.map((row) => row.id);
}

async function within(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
