import type { Instant } from "@paybell/protocols/domain/day";
import { inTime, isUnavailable } from "../db/pool.ts";
import { type Bucket, createBucket } from "./bucket.ts";
import { afterFailure, breaker, type Health, isDown, wellHealth } from "./health.ts";
import { healthOf, type LaneRow } from "./lane-rows.ts";
import type { Carrier, Duty, Outcome } from "./outcome.ts";
import type { Result } from "./results.ts";
import { nextAttemptMs, type Schedule } from "./schedule.ts";
import type { Turn } from "./turn.ts";

/** What a lane is given by whoever holds it. */
export type LaneWork = {
  clock(): Instant;
  /** in [0, 1) */
  random(): number;
  /** false: the lease has run out, nothing may be begun */
  mayBegin(): boolean;
  /** what is due, the longest due first */
  readDue(row: LaneRow, limit: number): Promise<Duty[]>;
  /** of these orders what is due first, where the lane is ordered */
  readNext(row: LaneRow, orders: readonly string[]): Promise<Duty[]>;
  /** resolves when written */
  write(result: Result): Promise<void>;
  /** as of lanes.ts; none of them rejects */
  healed(row: LaneRow, wasDown: boolean): Promise<void>;
  failing(row: LaneRow, health: Health, gone: boolean): Promise<void>;
  readonly turn: Turn;
  log(error: unknown): void;
};

/** One address's queue at work: its own pace, its own breaker, nobody else's trouble. */
export type Lane = {
  readonly row: LaneRow;
  /** milliseconds by `performance.now()` since it has had nothing to do; undefined: it has */
  idleSince(): number | undefined;
  /** more may be due in the store */
  look(): void;
  /** taken over in memory from whoever wrote them, in order; what there is no room for stays in the store */
  offer(duties: readonly Duty[]): void;
  /** resolves when nothing can be sent now */
  idle(): Promise<void>;
  /** begins nothing more; resolves when what is under way has ended and is written */
  close(): Promise<void>;
};

export type Pace = {
  readonly schedule: Schedule;
  readonly concurrency: number;
  /** calls a second; undefined: as many as the concurrency allows */
  readonly rate: number | undefined;
};

export function createLane(row: LaneRow, pace: Pace, carrier: Carrier, work: LaneWork): Lane {
  const sinceMs = row.called_at === null ? undefined : work.clock() - row.called_at;
  const bucket: Bucket = createBucket(pace.rate, performance.now(), sinceMs);
  const known = new Set<string>();
  /** attempts of what ended lately: a row read before that was written still shows it as due */
  const ended = new Map<string, number>();
  /** of which there may be more in the store, where what comes next of an order waits for what came before */
  const orders = new Set<string>();
  const waitingForIdle: (() => void)[] = [];
  let queue: Duty[] = [];
  let health = healthOf(row);
  let more = true;
  let reading = false;
  let closed = false;
  let underWay = 0;
  let idleSince: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let wakesAt = Number.POSITIVE_INFINITY;
  let looksAt = 0;

  const taker = {
    get underWay() {
      return underWay;
    },
    go: pump,
  };

  const lane: Lane = {
    row,
    idleSince: () => idleSince,
    look() {
      more = true;
      pump();
    },
    offer(duties) {
      for (const duty of duties) {
        if (duty.orderKey !== null && orders.size < mostQueued) orders.add(duty.orderKey);
        // What is in the store already was there first.
        else if (duty.orderKey !== null || more || queue.length >= mostQueued) more = true;
        else enqueue(duty);
      }
      pump();
    },
    idle: () => (isIdle() ? Promise.resolve() : new Promise((resolve) => waitingForIdle.push(resolve))),
    async close() {
      closed = true;
      clearTimeout(timer);
      work.turn.forget(taker);
      for (const duty of queue) known.delete(duty.id);
      queue = [];
      orders.clear();
      rest();
      await lane.idle();
      carrier.close();
    },
  };
  return lane;

  function enqueue(duty: Duty): void {
    if (known.has(duty.id) || (ended.get(duty.id) ?? 0) > duty.attempts) return;
    known.add(duty.id);
    queue.push(duty);
  }

  function end(duty: Duty, attempts: number): void {
    known.delete(duty.id);
    ended.delete(duty.id);
    ended.set(duty.id, attempts);
    if (ended.size > mostEnded) ended.delete(ended.keys().next().value!);
  }

  function isIdle(): boolean {
    if (underWay > 0 || known.size > queue.length || reading) return false;
    return closed || breaker(health, work.clock()) === "open" || (queue.length === 0 && !more && orders.size === 0);
  }

  function rest(): void {
    if (!isIdle()) {
      idleSince = undefined;
      return;
    }
    idleSince ??= performance.now();
    for (const resolve of waitingForIdle.splice(0)) resolve();
  }

  function pump(): void {
    while (!closed && underWay < pace.concurrency && work.mayBegin()) {
      const state = breaker(health, work.clock());
      if (state === "open") {
        wake(health.openUntil! - work.clock());
        break;
      }
      if (state === "probe" && underWay > 0) break;
      if (queue.length === 0) break;
      const waitMs = bucket.wait(performance.now());
      if (waitMs > 0) {
        wake(waitMs);
        break;
      }
      if (!work.turn.enter(taker)) break;
      bucket.pass(performance.now());
      void bring(queue.shift()!);
    }
    if (!reading && !closed && breaker(health, work.clock()) !== "open") readMore();
    rest();
  }

  function readMore(): void {
    const wanted = more && queue.length < lowWater;
    const waitMs = looksAt - performance.now();
    if (wanted && waitMs <= 0) void read(look);
    else if (orders.size > 0 && queue.length < mostQueued) void read(next);
    else if (wanted) wake(waitMs);
  }

  /** The soonest counts: whoever is woken asks for all there is to wait for. */
  function wake(inMs: number): void {
    const at = performance.now() + Math.min(Math.max(1, inMs), 60_000);
    if (at >= wakesAt) return;
    clearTimeout(timer);
    wakesAt = at;
    timer = setTimeout(() => {
      wakesAt = Number.POSITIVE_INFINITY;
      pump();
    }, at - performance.now());
    timer.unref();
  }

  async function look(): Promise<Duty[]> {
    more = false;
    const from = performance.now();
    try {
      const limit = known.size + readAtOnce;
      const rows = await work.readDue(row, limit);
      if (rows.length === limit) more = true;
      return rows;
    } catch (error) {
      more = true;
      throw error;
    } finally {
      // The more there is of an order, the longer it takes to see what is first of each.
      if (row.address?.ordered) looksAt = performance.now() + 4 * (performance.now() - from);
    }
  }

  async function next(): Promise<Duty[]> {
    const asked = [...orders].slice(0, readAtOnce);
    for (const order of asked) orders.delete(order);
    try {
      return await work.readNext(row, asked);
    } catch (error) {
      for (const order of asked) orders.add(order);
      throw error;
    }
  }

  async function read(how: () => Promise<Duty[]>): Promise<void> {
    reading = true;
    try {
      const rows = await inTime(how());
      if (!closed) for (const duty of rows) enqueue(duty);
    } catch (error) {
      if (!isUnavailable(error)) work.log(error);
      // The store is away: it is asked again when there is reason to.
      reading = false;
      wake(1000);
      if (closed) rest();
      return;
    }
    reading = false;
    pump();
  }

  async function bring(duty: Duty): Promise<void> {
    underWay++;
    const outcome = await carrier.deliver(duty).catch((error: unknown) => failed(error));
    underWay--;
    work.turn.leave();
    const wasFailing = health.failingSince !== null;
    const before = health;
    const now = work.clock();
    // While nothing is to be sent, a call that began before says nothing: the next probe does.
    if (outcome.address === "good" && breaker(health, now) !== "open") health = wellHealth;
    if (outcome.address === "bad" || outcome.address === "gone")
      health = afterFailure(health, now, work.random(), outcome.retryAfterMs);
    // Whoever holds it switches it off.
    if (outcome.address === "gone") closed = true;
    pump();
    await work.write(resultOf(duty, outcome, health === before ? null : health, now));
    // Until all of this is written, the lane is not idle: whoever waits for it finds everything done.
    if (outcome.address === "bad" || outcome.address === "gone")
      await work.failing(row, health, outcome.address === "gone");
    if (outcome.address === "good" && wasFailing && health.failingSince === null) {
      // Where it only refuses one event now and then, that one's turn comes by its schedule.
      await work.healed(row, isDown(before));
      more = true;
    }
    end(duty, duty.attempts + (outcome.attempt ? 1 : 0));
    // What waited for this one.
    if (duty.orderKey !== null && !closed) orders.add(duty.orderKey);
    pump();
  }

  /** Carriers do not throw. One that does must stop neither the lane nor the process. */
  function failed(error: unknown): Outcome {
    work.log(error);
    const times = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, totalMs: 0 };
    const said = { code: "send_failed", sentence: "It could not be sent because of a fault of ours." };
    const attempt = { at: work.clock(), ...times, status: null, ...said, answer: null };
    return { state: "retry", reason: `${said.code}: ${said.sentence}`, address: "unknown", attempt };
  }

  function resultOf(duty: Duty, outcome: Outcome, changed: Health | null, at: Instant): Result {
    const base = {
      duty,
      reason: outcome.reason ?? null,
      at,
      attempt: outcome.attempt ?? null,
      health: changed,
      dueAt: null,
    };
    switch (outcome.state) {
      case "retry": {
        const made = duty.attempts + 1 - duty.attemptsBefore;
        const inMs = nextAttemptMs(pace.schedule, made, work.random());
        if (inMs === undefined) return { ...base, state: "failed" };
        return {
          ...base,
          state: "due",
          dueAt: at + Math.max(inMs, Math.min(outcome.retryAfterMs ?? 0, longestAskedMs)),
        };
      }
      case "held":
        return { ...base, state: "due" };
      default:
        return { ...base, state: outcome.state };
    }
  }
}

const readAtOnce = 100;
const lowWater = 50;
const mostQueued = 1000;
const mostEnded = 1000;
const longestAskedMs = 6 * 3_600_000;
