import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { Pool } from "pg";
import { pino } from "pino";
import { afterEach } from "vitest";
import type { Context } from "../context.ts";
import { createPool } from "../db/pool.ts";
import { createSeal, type Seal } from "../db/seal.ts";
import { type AddressOptions, type SealedAddress, sealedAddressFor } from "../domain/address.ts";
import { newId } from "../domain/id.ts";
import { type SealedMail, sealedMailFor } from "../domain/mail.ts";
import { createBell } from "../send/bell.ts";
import { httpTransport } from "../send/http.ts";
import { createJobs, type Jobs } from "../send/jobs.ts";
import { createLanes, type Lanes } from "../send/lanes.ts";
import { mailTransport } from "../send/mail.ts";
import { parseNets } from "../send/nets.ts";
import { tellOfFailing, tellOfGivenUp, tellOfHealing } from "../send/notices.ts";
import { createPublisher, type Published, type Publishing } from "../send/publish.ts";
import { ensureSpace } from "../send/retention.ts";
import type { MailTransport } from "../send/smtp.ts";
import { type TestDatabase, testDatabase } from "./database.ts";
import type { Receiver } from "./receiver.ts";

export const start = Date.parse("2026-03-10T09:15:00Z");
export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/** signs everything, unless an address is given others */
export const secret = `whsec_${Buffer.alloc(32, 5).toString("base64")}`;

/** The sending end alone: one account, its addresses, and a clock of the test's own. */
export type World = {
  readonly pool: Pool;
  readonly accountId: string;
  readonly seal: Seal;
  now(): Instant;
  /** moves the clock */
  pass(ms: number): void;
  set(at: Instant): void;
  /** a process of its own: pool, lease and bell are its alone; stopped after the test */
  node(options?: NodeOptions): Node;
  account(settings?: Readonly<Record<string, unknown>>): Promise<string>;
  /** @returns the connection's id */
  address(url: string, options?: AddressShape): Promise<string>;
  /** an item of a customer of the account's */
  item(options?: { readonly erased?: boolean; readonly open?: boolean }): Promise<string>;
  /** writes a mail as due; @returns the delivery's id */
  mail(options?: MailShape): Promise<string>;
  deliveries(laneId?: string): Promise<Delivery[]>;
  delivery(id: string): Promise<Delivery>;
  attempts(deliveryId?: string): Promise<AttemptRow[]>;
  lane(id: string): Promise<LaneState>;
  /** writes fields of a lane, as the API would, and counts its version */
  change(laneId: string, fields: Readonly<Record<string, unknown>>): Promise<void>;
  /** another URL, as the API would write it */
  move(laneId: string, url: string): Promise<void>;
  /** the lease of whoever holds the lane runs out */
  expireLease(laneId: string): Promise<void>;
  /** While it works, nobody can write to the table. @param work gets the id of the connection that sees to that */
  whileLocked(table: string, work: (pid: number) => Promise<void>): Promise<void>;
  sql<T extends Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<T[]>;
};

export type NodeOptions = {
  readonly smtp?: MailTransport;
  /** default: one of its own */
  readonly pool?: Pool;
  readonly seal?: Seal;
  /** default: the world's */
  readonly clock?: () => Instant;
  /** as with the embedded store */
  readonly oneMachine?: boolean;
};

export type Node = {
  readonly context: Context;
  readonly lanes: Lanes;
  readonly jobs: Jobs;
  readonly pool: Pool;
  /** what it logged */
  readonly said: string[];
  publish(...events: readonly Partial<Publishing>[]): Promise<Published[]>;
  stop(): Promise<void>;
};

export type AddressShape = {
  readonly accountId?: string;
  readonly mode?: Mode;
  readonly format?: string;
  readonly secrets?: readonly { readonly secret: string; readonly expiresAt?: Instant }[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly types?: readonly string[];
  readonly products?: readonly string[];
  readonly minMinor?: number;
  readonly maxMinor?: number;
  readonly currency?: string;
  readonly ordered?: boolean;
  readonly options?: AddressOptions;
  readonly seal?: Seal;
};

export type MailShape = {
  readonly itemId?: string;
  readonly recipient?: string | null;
  readonly needsAccess?: boolean;
  readonly dueAt?: Instant;
  readonly seal?: Seal;
  readonly accountId?: string;
};

export type Delivery = {
  readonly id: string;
  readonly event_id: string | null;
  readonly kind: string;
  readonly lane_id: string;
  readonly state: string;
  readonly reason: string | null;
  readonly attempts: number;
  readonly attempts_before: number;
  readonly due_at: Instant;
  readonly sent_at: Instant | null;
  readonly expires_at: Instant;
  readonly order_key: string | null;
};

export type AttemptRow = {
  readonly delivery_id: string;
  readonly number: number;
  readonly at: Instant;
  readonly node: string;
  readonly status: number | null;
  readonly code: string | null;
  readonly sentence: string | null;
  readonly answer: string | null;
  readonly total_ms: number;
};

export type LaneState = {
  readonly node: string | null;
  readonly version: number;
  readonly paused_at: Instant | null;
  readonly disabled_at: Instant | null;
  readonly disabled_reason: string | null;
  readonly failures: number;
  readonly failing_since: Instant | null;
  readonly open_until: Instant | null;
  readonly told: number;
  readonly last_sent_at: Instant | null;
  readonly last_failure: { readonly code: string; readonly status: number | null } | null;
};

/** All of a file's tests share one store, one after the other; each has accounts of its own. */
export async function openWorld(): Promise<World> {
  const database = await (shared ??= testDatabase());
  const seal = createSeal(Buffer.alloc(32, 7));
  const nodes: Node[] = [];
  let now = start;
  const accounts: string[] = [];
  opened.push({ nodes, database });
  const { pool } = database;
  const sql = async <T>(text: string, values: readonly unknown[] = []) =>
    (await pool.query(text, [...values])).rows as T[];
  const account = async (settings: Readonly<Record<string, unknown>> = {}) => {
    const id = newId(now);
    await sql("insert into account (id, name, settings, created_at) values ($1, 'Shop', $2, $3)", [
      id,
      settings,
      new Date(now),
    ]);
    await sql("insert into lane (account_id, id, transport) values ($1, $1, 'mail')", [id]);
    accounts.push(id);
    return id;
  };
  const accountId = await account();
  await ensureSpace(pool, now);
  return {
    pool,
    accountId,
    seal,
    now: () => now,
    pass: (ms) => void (now += ms),
    set: (at) => void (now = at),
    node(options = {}) {
      const node = createNode(database, options.clock ?? (() => now), options.seal ?? seal, accountId, options);
      nodes.push(node);
      return node;
    },
    account,
    address: (url, shape = {}) => addAddress(pool, now, shape.seal ?? seal, shape.accountId ?? accountId, url, shape),
    item: (shape = {}) => addItem(pool, now, accountId, shape),
    mail: (shape = {}) => addMail(pool, now, shape.seal ?? seal, shape.accountId ?? accountId, shape),
    deliveries: (laneId) =>
      sql<Delivery>(
        `select ${deliveryColumns} from delivery where account_id = any($1) and ($2::uuid is null or lane_id = $2) order by event_id, id`,
        [accounts, laneId ?? null],
      ),
    async delivery(id) {
      const [found] = await sql<Delivery>(`select ${deliveryColumns} from delivery where id = $1`, [id]);
      if (!found) throw new Error("There is no such delivery.");
      return found;
    },
    attempts: (deliveryId) =>
      sql<AttemptRow>(
        `select delivery_id, number, at, node, status, code, sentence, answer, total_ms from attempt
         where account_id = any($1) and ($2::uuid is null or delivery_id = $2) order by delivery_id, number, id`,
        [accounts, deliveryId ?? null],
      ),
    async lane(id) {
      const [found] = await sql<LaneState>("select * from lane where id = $1", [id]);
      if (!found) throw new Error("There is no such lane.");
      return found;
    },
    async change(laneId, fields) {
      const names = Object.keys(fields);
      const set = names.map((name, index) => `, ${name} = $${index + 2}`).join("");
      await sql(`update lane set version = version + 1${set} where id = $1`, [laneId, ...Object.values(fields)]);
    },
    async move(laneId, url) {
      const sealed = seal.seal(JSON.stringify({ url, headers: {} }), sealedAddressFor(laneId));
      await sql("update address set sealed = $2 where id = $1", [laneId, sealed]);
      await sql("update lane set version = version + 1 where id = $1", [laneId]);
    },
    async expireLease(laneId) {
      await sql(
        `update node n set leased_until = clock_timestamp() - interval '1 second' from lane l where l.node = n.id and l.id = $1`,
        [laneId],
      );
    },
    async whileLocked(table, work) {
      const client = await pool.connect();
      try {
        await client.query("begin");
        await client.query(`lock table ${table} in exclusive mode`);
        const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
        await work(rows[0]!.pid);
      } finally {
        await client.query("rollback");
        client.release();
      }
    },
    sql,
  };
}

const deliveryColumns =
  "id, event_id, kind, lane_id, state, reason, attempts, attempts_before, due_at, sent_at, expires_at, order_key";

/** Resolves as soon as it is true. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 45_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`It never came true: ${String(condition)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Something that is let go of by hand. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/** Events by the number they carry. */
export function numbered(count: number, more: Partial<Publishing> = {}, from = 0): Partial<Publishing>[] {
  return Array.from({ length: count }, (_, n) => ({ ...more, data: { n: from + n } }));
}

/** Numbers of the events that arrived, in order. */
export function numbers(receiver: Receiver): number[] {
  return receiver.messages().map((message) => (message as { data: { n: number } }).data.n);
}

/** 0 to `count` - 1 */
export function counted(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

export function ascending(all: readonly number[]): number[] {
  return all.toSorted((a, b) => a - b);
}

let shared: Promise<TestDatabase> | undefined;
const opened: { readonly nodes: Node[]; readonly database: TestDatabase }[] = [];

afterEach(async () => {
  for (const { nodes, database } of opened.splice(0)) {
    await Promise.all(nodes.map((node) => node.stop()));
    // Nothing of it is anybody's work any more.
    await database.pool.query("delete from node");
    await database.pool.query("update lane set node = null, disabled_at = clock_timestamp()");
    await database.pool.query("update job set state = 'cancelled' where state = 'running'");
  }
});

function createNode(
  { connection }: TestDatabase,
  clock: () => Instant,
  seal: Seal,
  accountId: string,
  options: NodeOptions,
): Node {
  const pool = options.pool ?? createPool(connection, { max: 6 });
  const said: string[] = [];
  const log = pino({ level: "debug" }, { write: (line: string) => void said.push(line) });
  let lanes: Lanes | undefined;
  const context: Context = {
    pool,
    clock,
    seal,
    publicUrl: "http://127.0.0.1:8787",
    timeZone: "Europe/Berlin",
    mailFrom: "Paybell <no-reply@localhost>",
    sendsMail: options.smtp !== undefined,
    sending: {
      offer: (offered) => lanes?.offer(offered),
      look: (laneIds) => lanes?.look(laneIds),
      announced: () => undefined,
    },
    log,
  };
  const bell = createBell(pool);
  const network = { nets: parseNets("127.0.0.0/8") };
  lanes = createLanes(
    context,
    { http: httpTransport(context, network), mail: mailTransport(context, options.smtp ?? null) },
    bell,
    {
      failing: (row, health, gone) => tellOfFailing(context, row, health, gone),
      healed: (row) => tellOfHealing(context, row),
      givenUp: (tx, results) => tellOfGivenUp(context, tx, results),
    },
    options.oneMachine,
  );
  const publisher = createPublisher(context, (offered) => lanes.offer(offered));
  const jobs = createJobs(context);
  let stopped: Promise<void> | undefined;
  const node: Node = {
    context,
    lanes,
    jobs,
    pool,
    said,
    publish: (...events) =>
      publisher.publish(
        events.map((event) => ({
          accountId,
          mode: "live",
          type: "payment.made",
          at: clock(),
          orderKey: null,
          key: null,
          data: { order_id: "A1B2C3D4" },
          ...event,
        })),
      ),
    stop: () => (stopped ??= stop()),
  };
  return node;

  async function stop(): Promise<void> {
    await jobs.stop();
    await lanes?.stop();
    await bell.stop();
    options.smtp?.close();
    if (!pool.ending) await pool.end();
  }
}

async function addAddress(
  pool: Pool,
  now: Instant,
  seal: Seal,
  accountId: string,
  url: string,
  shape: AddressShape,
): Promise<string> {
  const id = newId(now);
  const mode = shape.mode ?? "live";
  const format = shape.format ?? "standard-webhooks";
  const at = new Date(now);
  const content: SealedAddress = { url, headers: { ...shape.headers } };
  await pool.query(
    `insert into connection (account_id, id, direction, protocol, provider_account, name, mode, created_at)
     values ($1, $2, 'out', $3, '', 'Course platform', $4, $5)`,
    [accountId, id, format, mode, at],
  );
  await pool.query(
    `insert into address (account_id, id, mode, format, sealed, types, products, min_minor, max_minor, currency, ordered, options, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      accountId,
      id,
      mode,
      format,
      seal.seal(JSON.stringify(content), sealedAddressFor(id)),
      shape.types ?? null,
      shape.products ?? null,
      shape.minMinor ?? null,
      shape.maxMinor ?? null,
      shape.currency ?? null,
      shape.ordered ?? false,
      shape.options ?? {},
      at,
    ],
  );
  for (const one of shape.secrets ?? [{ secret }]) {
    const secretId = newId(now);
    await pool.query(
      "insert into connection_secret (account_id, connection_id, id, sealed, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)",
      [
        accountId,
        id,
        secretId,
        seal.seal(one.secret, `secret:${secretId}`),
        at,
        one.expiresAt === undefined ? null : new Date(one.expiresAt),
      ],
    );
  }
  await pool.query("insert into lane (account_id, id, transport) values ($1, $2, 'http')", [accountId, id]);
  return id;
}

async function addItem(
  pool: Pool,
  now: Instant,
  accountId: string,
  { erased = false, open = false }: { readonly erased?: boolean; readonly open?: boolean },
): Promise<string> {
  const [customer, order, id] = [newId(now), newId(now), newId(now)];
  const at = new Date(now);
  await pool.query(
    "insert into customer (account_id, id, mode, created_at, erased_at) values ($1, $2, 'live', $3, $4)",
    [accountId, customer, at, erased ? at : null],
  );
  await pool.query(
    `insert into orders (account_id, id, mode, protocol, provider_account, order_id, customer_id, email, contact_email, buyer, created_at)
     values ($1, $2, 'live', 'copecart', 'shop', $3, $4, 'kim@example.com', 'kim@example.com', '{}', $5)`,
    [accountId, order, `order-${order}`, customer, at],
  );
  const spans = open ? [{ from: now - day, until: null, rule: "R1" }] : [];
  await pool.query(
    `insert into item (account_id, id, order_row, customer_id, mode, protocol, product_key, created_at, state)
     values ($1, $2, $3, $4, 'live', 'copecart', 'p-1', $5, $6)`,
    [accountId, id, order, customer, at, { spans }],
  );
  return id;
}

async function addMail(pool: Pool, now: Instant, seal: Seal, accountId: string, mail: MailShape): Promise<string> {
  const id = newId(now);
  const content: SealedMail = {
    from: "Shop <hello@shop.example.de>",
    subject: "Grüße",
    html: "<p>Schön.</p>",
    text: "Schön.",
  };
  await pool.query(
    `insert into delivery (account_id, id, expires_at, mode, lane_id, item_id, kind, recipient, language, needs_access, sealed, state, due_at, created_at)
     values ($1, $2, $3, 'live', $1, $4, 'access_data', $5, 'de', $6, $7, 'due', $8, $9)`,
    [
      accountId,
      id,
      new Date(now + 90 * day),
      mail.itemId ?? null,
      mail.recipient === undefined ? "kim@example.com" : mail.recipient,
      mail.needsAccess ?? false,
      seal.seal(JSON.stringify(content), sealedMailFor(id)),
      new Date(mail.dueAt ?? now),
      new Date(now),
    ],
  );
  return id;
}
