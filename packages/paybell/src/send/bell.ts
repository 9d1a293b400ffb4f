import { setTimeout as delay } from "node:timers/promises";
import { Client, type Pool } from "pg";

/** Tells other nodes that there is work. Missing it costs seconds, never a delivery: everybody looks for due work anyway. */
export type Bell = {
  /** @param node who holds the lane; null: whoever does */
  ring(node: string | null, laneId: string): void;
  /** from now on; goes on by itself when the store was away */
  hear(onLane: (node: string | null, laneId: string) => void): Promise<void>;
  /** counts what was heard of changes to keys and accounts; null: nothing is heard just now */
  keysVersion(): number | null;
  /** this node itself changed one, which must hold before it is heard */
  keysChanged(): void;
  stop(): Promise<void>;
};

/** PostgreSQL's own: `notify` and `listen`, the latter on a connection that does nothing else. */
export function createBell(pool: Pool): Bell {
  let waiting = new Set<string>();
  let ringing = false;
  let client: Client | undefined;
  let stopped = false;
  let isHearing = false;
  let keysVersion = 0;

  return {
    keysVersion: () => (isHearing ? keysVersion : null),
    keysChanged: () => void keysVersion++,
    ring(node, laneId) {
      waiting.add(`${node ?? ""}:${laneId}`);
      if (!ringing) void ringAll();
    },
    hear: (onLane) => listen((node, laneId) => onLane(node, laneId)),
    async stop() {
      stopped = true;
      isHearing = false;
      await client?.end().catch(() => undefined);
    },
  };

  async function ringAll(): Promise<void> {
    ringing = true;
    await new Promise(setImmediate);
    const payloads = [...waiting];
    waiting = new Set();
    try {
      await pool.query({
        name: "ring",
        text: `select pg_notify('${channel}', payload) from unnest($1::text[]) as t (payload)`,
        values: [payloads],
      });
    } catch {
      // They find it by looking.
    }
    ringing = false;
    if (waiting.size > 0) void ringAll();
  }

  async function listen(onLane: (node: string | null, laneId: string) => void): Promise<void> {
    const listening = new Client(pool.options);
    client = listening;
    const lost = () => {
      if (client !== listening || stopped) return;
      client = undefined;
      isHearing = false;
      void delay(2000, undefined, { ref: false }).then(() => (stopped ? undefined : listen(onLane)));
    };
    listening.on("error", lost);
    listening.on("end", lost);
    listening.on("notification", ({ channel: heard, payload = "" }) => {
      if (heard === keysChannel) {
        keysVersion++;
        return;
      }
      const [node = "", laneId = ""] = payload.split(":");
      onLane(node === "" ? null : node, laneId);
    });
    try {
      await listening.connect();
      await listening.query(`listen ${channel}; listen ${keysChannel}`);
      keysVersion++;
      isHearing = !stopped;
    } catch {
      lost();
    }
  }
}

const channel = "paybell_lanes";
/** told by triggers */
const keysChannel = "paybell_keys";
