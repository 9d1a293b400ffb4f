import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "../context.ts";
import { isAlive } from "../db/embedded-process.ts";
import { isUnavailable } from "../db/pool.ts";
import type { Tx } from "../db/transaction.ts";
import { newId } from "../domain/id.ts";
import type { Bell } from "./bell.ts";
import type { Health } from "./health.ts";
import { createLane, type Lane, type Pace } from "./lane.ts";
import { bringForward, readDue, readNext } from "./due-rows.ts";
import { type LaneRow, lanesWithWork, readHolders, readLane, releaseLanes, takeLanes } from "./lane-rows.ts";
import { endNode, leaseSeconds, otherNodes, registerNode, renewLease } from "./node-rows.ts";
import type { Carrier, Duty } from "./outcome.ts";
import { createResults, type Result } from "./results.ts";
import { createTurn } from "./turn.ts";

/** A delivery that was just written, and who holds its lane. */
export type Offered = {
  readonly duty: Duty;
  /** null: nobody, or nobody may for now */
  readonly node: string | null;
};

export type Lanes = {
  /** from now on: what is offered is sent at once, and what is due is looked for */
  start(): Promise<void>;
  /** deliveries that were just committed */
  offer(offered: readonly Offered[]): void;
  /** these lanes have due work in the store, or were changed */
  look(laneIds: readonly string[]): void;
  /** looks for due work, renews the lease, lets go of what is idle; called every few seconds */
  tick(): Promise<void>;
  /** sends all that is due now and may be sent, wherever it lies */
  settle(): Promise<void>;
  stop(): Promise<void>;
};

/** How one transport serves a lane. */
export type Transport = {
  /** calls at once on this node */
  readonly capacity: number;
  open(row: LaneRow): { readonly carrier: Carrier; readonly pace: Pace };
};

/** What follows from how a lane does, each in the database. */
export type Aftermath = {
  /** it failed, as it has since `health.failingSince`; `gone`: it asks for nothing ever again */
  failing(row: LaneRow, health: Health, gone: boolean): Promise<void>;
  /** it answers again after failing */
  healed(row: LaneRow): Promise<void>;
  /** deliveries were given up; written in the transaction of their results */
  givenUp(tx: Tx, results: readonly Result[]): Promise<void>;
};

/**
 * The lanes this node holds. A lane is held by one node at a time, so its pace, its breaker and its order are kept
 * exactly, however many nodes there are; whoever holds it needs no lock and no lease for a single delivery. The lease
 * is the node's: one that is not renewed in time frees all its lanes.
 */
export function createLanes(
  context: Pick<Context, "pool" | "clock" | "log">,
  transports: Readonly<Record<LaneRow["transport"], Transport>>,
  bell: Bell,
  aftermath: Aftermath,
  /** every node is a process of this machine, as with the embedded store: one that died is known by its number */
  oneMachine = false,
): Lanes {
  const { pool, clock } = context;
  const name = `${hostname()}:${process.pid}`;
  const held = new Map<string, Lane>();
  const turns = { http: createTurn(transports.http.capacity), mail: createTurn(transports.mail.capacity) };
  const results = createResults(pool, name, trouble, (tx, given) => aftermath.givenUp(tx, given));
  /** lanes that are being let go of; they are not taken again before that is done */
  const leaving = new Map<string, Promise<void>>();
  let node: string | null = null;
  let leasedUntil = 0;
  let started = false;
  let stopped = false;
  let beat: NodeJS.Timeout | undefined;
  let wanted = new Set<string>();
  let taking: Promise<void> | undefined;
  let takes = 0;
  let settling: Promise<void> = Promise.resolve();
  let joining: Promise<string> | undefined;

  return {
    async start() {
      started = true;
      if (oneMachine) await buryTheDead();
      await bell.hear((holder, laneId) => {
        if (holder === null || holder === node) onBell(laneId);
      });
    },
    offer(offered) {
      if (!started || stopped) return;
      const mine = new Map<Lane, Duty[]>();
      for (const { duty, node: holder } of offered) {
        const lane = held.get(duty.laneId);
        if (lane) mine.set(lane, [...(mine.get(lane) ?? []), duty]);
        else if (holder === null || holder === node) wanted.add(duty.laneId);
        else bell.ring(holder, duty.laneId);
      }
      for (const [lane, duties] of mine) lane.offer(duties);
      if (wanted.size > 0) void takeWanted();
    },
    look(laneIds) {
      for (const id of laneIds) {
        onBell(id);
        bell.ring(null, id);
      }
    },
    async tick() {
      await findWork();
      await letGo((lane) => performance.now() - (lane.idleSince() ?? performance.now()) > idleMs);
    },
    settle() {
      // One after the other: each finds what was due when it was asked for.
      settling = settling.catch(() => undefined).then(settle);
      return settling;
    },
    async stop() {
      stopped = true;
      await taking?.catch(() => undefined); // whoever asked for it says so
      for (const lane of held.values()) void drop(lane);
      // What takes longer is found by others when this node's lease has run out.
      await Promise.race([Promise.all(leaving.values()), delay(patienceMs, undefined, { ref: false })]);
      results.stop();
      if (leaving.size === 0) await leave().catch(trouble);
      clearInterval(beat);
    },
  };

  async function settle(): Promise<void> {
    if (oneMachine && node === null) await buryTheDead();
    for (;;) {
      const found = await lanesWithWork(pool, node, clock());
      if (found.length === 0) break;
      await take(found.filter((lane) => lane.free || lane.mine).map((lane) => lane.id));
      const own = found.flatMap(({ id }) => held.get(id) ?? []);
      for (const lane of own) lane.look();
      await Promise.all(own.map((lane) => lane.idle()));
      // The rest is held by others, who are at it.
      if (own.length === 0) await delay(20);
    }
    await Promise.all([...held.values()].map((lane) => lane.idle()));
    if (!started) {
      await letGo(() => true);
      await leave();
    }
  }

  /** However many ask at once, a process has one lease. */
  function join(): Promise<string> {
    return (joining ??= register().finally(() => (joining = undefined)));
  }

  async function register(): Promise<string> {
    const id = newId(Date.now());
    const from = performance.now();
    await registerNode(pool, id, name);
    node = id;
    leasedUntil = from + leaseSeconds * 1000;
    beat = setInterval(() => void heartbeat(), beatMs);
    beat.unref();
    return id;
  }

  /** After a crash nobody needs to wait for a lease to run out. */
  async function buryTheDead(): Promise<void> {
    for (const other of await otherNodes(pool)) {
      const [, host, pid] = /^(.*):(\d+)$/.exec(other.name) ?? [];
      if (host === hostname() && !isAlive(Number(pid))) await endNode(pool, other.id);
    }
  }

  async function leave(): Promise<void> {
    if (node === null) return;
    const id = node;
    node = null;
    clearInterval(beat);
    for (const lane of held.values()) void drop(lane);
    await endNode(pool, id);
  }

  async function findWork(): Promise<void> {
    const found = await lanesWithWork(pool, node, clock());
    for (const { id } of found) held.get(id)?.look();
    await take(found.filter((lane) => lane.free || (lane.mine && !held.has(lane.id))).map((lane) => lane.id));
  }

  function onBell(laneId: string): void {
    const lane = held.get(laneId);
    if (!lane) {
      wanted.add(laneId);
      void takeWanted();
    } else {
      lane.look();
      void refresh(lane);
    }
  }

  /** One at a time; what comes meanwhile shares the next. */
  async function takeWanted(): Promise<void> {
    if (taking || !started || stopped) return;
    taking = (async () => {
      while (wanted.size > 0) {
        const ids = [...wanted];
        wanted = new Set();
        await take(ids);
      }
    })();
    try {
      await taking;
    } catch (error) {
      trouble(error);
    } finally {
      taking = undefined;
    }
    // What came in between.
    if (wanted.size > 0) void takeWanted();
  }

  async function take(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      void leaving.get(id)?.then(() => {
        wanted.add(id);
        return takeWanted();
      });
    }
    // In one order, so that two nodes never wait for each other.
    const missing = ids.filter((id) => !held.has(id) && !leaving.has(id)).toSorted();
    if (missing.length === 0 || stopped) return;
    takes++;
    try {
      const holder = node ?? (await join());
      for (let rest = missing, tries = 0; rest.length > 0 && tries < mostTries; tries++) {
        const taken = await takeLanes(pool, holder, rest);
        for (const row of taken) if (node === holder) hold(row, holder);
        rest = await ringHolders(rest.filter((id) => !taken.some((row) => row.id === id)));
      }
    } finally {
      takes--;
    }
  }

  /**
   * Somebody else was first, and may have looked for work before what is asked for here was there.
   * @returns those let go of in between
   */
  async function ringHolders(ids: readonly string[]): Promise<string[]> {
    const holders = ids.length === 0 ? [] : await readHolders(pool, ids);
    for (const { id, node: other } of holders) if (other !== null && other !== node) bell.ring(other, id);
    return holders.filter((lane) => lane.node === null).map((lane) => lane.id);
  }

  function hold(row: LaneRow, holder: string): void {
    if (held.has(row.id) || leaving.has(row.id) || stopped) return;
    const { carrier, pace } = transports[row.transport].open(row);
    const lane = createLane(row, pace, carrier, {
      clock,
      random: Math.random,
      mayBegin: () => node === holder && mayBegin(),
      readDue: (of, limit) => readDue(pool, of, clock(), limit),
      readNext: (of, orders) => readNext(pool, of, clock(), orders),
      write: (result) => results.write(result, holder, row.version),
      healed: (of, wasDown) => healed(of, wasDown).catch(trouble),
      async failing(of, health, gone) {
        await aftermath.failing(of, health, gone).catch(trouble);
        if (gone) void drop(lane);
      },
      turn: turns[row.transport],
      log: trouble,
    });
    held.set(row.id, lane);
    lane.look();
  }

  async function healed(row: LaneRow, wasDown: boolean): Promise<void> {
    if (wasDown) await bringForward(pool, row.id, clock());
    await aftermath.healed(row);
  }

  function mayBegin(): boolean {
    return performance.now() < leasedUntil - 250;
  }

  /** Its address, its pace or its secrets were changed: what is under way ends as it began. */
  async function refresh(lane: Lane): Promise<void> {
    if (node === null) return;
    try {
      const row = await readLane(pool, node, lane.row.id);
      if (row?.version === lane.row.version || held.get(lane.row.id) !== lane) return;
      await drop(lane);
      await take([lane.row.id]);
    } catch (error) {
      trouble(error);
    }
  }

  /** Begins nothing more on it; resolves when what is under way has ended, and others may have it. */
  function drop(lane: Lane): Promise<void> {
    const { id } = lane.row;
    const holder = node;
    if (held.get(id) !== lane) return leaving.get(id) ?? Promise.resolve();
    held.delete(id);
    const ending = (async () => {
      try {
        await lane.close();
        if (holder !== null) await releaseLanes(pool, holder, [id]);
      } catch (error) {
        trouble(error);
      }
      leaving.delete(id);
    })();
    leaving.set(id, ending);
    return ending;
  }

  async function letGo(which: (lane: Lane) => boolean): Promise<void> {
    const idle = [...held.values()].filter((lane) => lane.idleSince() !== undefined && which(lane));
    await Promise.all(idle.map((lane) => drop(lane)));
  }

  async function heartbeat(): Promise<void> {
    if (node === null) return;
    const id = node;
    const from = performance.now();
    const asked = [...held.values()];
    try {
      const lanes = await renewLease(pool, id);
      if (node !== id) return;
      if (lanes === undefined) return loseAll();
      // Calls under way must not be begun by others while they end.
      if (stopped) return;
      const wasOver = !mayBegin();
      leasedUntil = Math.max(leasedUntil, from + leaseSeconds * 1000);
      if (wasOver) for (const lane of held.values()) lane.look();
      // Those taken since the question are not in the answer.
      for (const lane of asked.filter((one) => held.get(one.row.id) === one)) {
        const version = lanes.get(lane.row.id);
        // Taken away, or changed.
        if (version === undefined) void drop(lane);
        else if (version !== lane.row.version) void refresh(lane);
      }
      if (held.size === 0 && leaving.size === 0 && lanes.size === 0 && takes === 0) await leave();
    } catch (error) {
      trouble(error);
    }
  }

  /** The lease ran out: others have the lanes now. What is under way ends; what it comes to is written if it still fits. */
  function loseAll(): void {
    node = null;
    clearInterval(beat);
    for (const lane of held.values()) void drop(lane);
    context.log.warn("This node was not heard of for too long, and lost its lanes; it goes on with what is free.");
  }

  function trouble(error: unknown): void {
    const code = (error as { code?: string }).code;
    if (isUnavailable(error)) context.log.warn({ code }, "deliveries wait for the store");
    else context.log.error({ code, name: (error as Error).name }, "deliveries could not go on as planned");
  }
}

const beatMs = 1250;
const idleMs = 5000;
/** at a lane that others take and let go of meanwhile; the next tick finds it */
const mostTries = 3;
/** what calls under way get to end when the process is asked to */
const patienceMs = 10_000;
