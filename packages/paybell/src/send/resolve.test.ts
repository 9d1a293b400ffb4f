import { createSocket } from "node:dgram";
import { getEventListeners } from "node:events";
import { isIPv4 } from "node:net";
import { afterEach, expect, test } from "vitest";
import { beforeAbort, createResolve } from "./resolve.ts";

const closes: (() => void)[] = [];
afterEach(() => closes.splice(0).forEach((close) => close()));

const never = new AbortController().signal;
const nobody = () => Promise.reject(new Error("The system must not be asked."));

/** Addresses, or the response code of RFC 1035, section 4.1.1, or no answer at all. */
type Zone = Readonly<Record<string, readonly string[] | "SERVFAIL" | "silent">>;

/** A name server on this machine that knows these names and says of all others that they do not exist. */
async function nameServer(zone: Zone): Promise<{ servers: string[]; asked: string[] }> {
  const asked: string[] = [];
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    const { name, type, end } = question(query);
    asked.push(`${name} ${type === 1 ? "A" : "AAAA"}`);
    const known = zone[name];
    if (known === "silent") return;
    const addresses = Array.isArray(known) ? known.filter((ip: string) => isIPv4(ip) === (type === 1)) : [];
    const code = known === "SERVFAIL" ? 2 : known === undefined ? 3 : 0;
    const header = Buffer.from([query[0]!, query[1]!, 0x81, 0x80 | code, 0, 1, 0, addresses.length, 0, 0, 0, 0]);
    const answers = addresses.map((ip) => {
      const data = isIPv4(ip) ? ip.split(".").map(Number) : [...Buffer.from(ip.replaceAll(":", ""), "hex")];
      return Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length, ...data]);
    });
    socket.send(Buffer.concat([header, query.subarray(12, end), ...answers]), from.port, from.address);
  });
  await new Promise<void>((resolve) => {
    socket.bind(0, "127.0.0.1", resolve);
  });
  closes.push(() => socket.close());
  return { servers: [`127.0.0.1:${socket.address().port}`], asked };
}

function question(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
  return { name: labels.join("."), type: query.readUInt16BE(at + 1), end: at + 5 };
}

test("both families of a name's addresses are answered", async () => {
  const six = "2001:0db8:0000:0000:0000:0000:0000:0001";
  const { servers } = await nameServer({ "shop.example.com": ["192.0.2.1", "192.0.2.2", six] });
  const resolve = createResolve({ servers, lookup: nobody });
  expect(await resolve("shop.example.com", never)).toEqual(["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
});

test("a name with addresses of one family only is answered with them", async () => {
  const { servers } = await nameServer({ "shop.example.com": ["192.0.2.1"] });
  const resolve = createResolve({ servers, lookup: nobody });
  expect(await resolve("shop.example.com", never)).toEqual(["192.0.2.1"]);
});

test.each(["localhost", "localhost.", "shop.localhost", "LOCALHOST"])("%s is asked of nobody", async (name) => {
  const { servers, asked } = await nameServer({ localhost: ["192.0.2.1"], "shop.localhost": ["192.0.2.1"] });
  const resolve = createResolve({ servers, lookup: nobody });
  expect(await resolve(name, never)).toEqual(["127.0.0.1", "::1"]);
  expect(asked).toEqual([]);
});

test("a name that name servers do not know is asked of the system", async () => {
  const { servers, asked } = await nameServer({});
  const resolve = createResolve({ servers, lookup: async (name) => [{ address: `${name} of the hosts file` }] });
  expect(await resolve("receiver", never)).toEqual(["receiver of the hosts file"]);
  expect(asked.toSorted()).toEqual(["receiver A", "receiver AAAA"]);
});

test("the system is asked too when there are no name servers", async () => {
  const { servers } = await nameServer({});
  closes.splice(0).forEach((close) => close());
  const resolve = createResolve({ servers, lookup: async () => [{ address: "192.0.2.1" }] });
  expect(await resolve("receiver", never)).toEqual(["192.0.2.1"]);
});

test("a name that nobody knows fails with the system's words", async () => {
  const { servers } = await nameServer({});
  const unknown = Object.assign(new Error("unknown"), { code: "ENOTFOUND" });
  const resolve = createResolve({ servers, lookup: () => Promise.reject(unknown) });
  await expect(resolve("shop.example.com", never)).rejects.toBe(unknown);
});

test("a name server that fails is not gone around, and the next name is answered", async () => {
  const { servers } = await nameServer({ "broken.example.com": "SERVFAIL", "shop.example.com": ["192.0.2.1"] });
  const resolve = createResolve({ servers, lookup: nobody });
  await expect(resolve("broken.example.com", never)).rejects.toMatchObject({ code: "ESERVFAIL" });
  expect(await resolve("shop.example.com", never)).toEqual(["192.0.2.1"]);
});

test("names whose servers are silent delay no others, and end when their caller gives up", async () => {
  const silent = Array.from({ length: 20 }, (_, index) => `silent${index}.example.com`);
  const { servers } = await nameServer({
    ...Object.fromEntries(silent.map((name) => [name, "silent"] as const)),
    "shop.example.com": ["192.0.2.1"],
  });
  const resolve = createResolve({ servers, lookup: nobody });
  const waits = silent.map((name) => ({ name, giveUp: new AbortController() }));
  const waiting = waits.map(({ name, giveUp }) => resolve(name, giveUp.signal));
  const ended = Promise.allSettled(waiting);
  expect(await resolve("shop.example.com", never)).toEqual(["192.0.2.1"]);
  const reason = new Error("gave up");
  for (const { giveUp } of waits) giveUp.abort(reason);
  expect(await ended).toEqual(silent.map(() => ({ status: "rejected", reason })));
});

test("two lookups of the system run at a time, in order, and who gave up while waiting is passed over", async () => {
  const { servers } = await nameServer({ "shop.example.com": ["192.0.2.1"] });
  const started: string[] = [];
  const finish: (() => void)[] = [];
  let onStart = () => {};
  const resolve = createResolve({
    servers,
    lookup: (name) => {
      started.push(name);
      onStart();
      return new Promise((done) => {
        finish.push(() => done([{ address: name }]));
      });
    },
  });
  const startedBecomes = (count: number) =>
    new Promise<void>((done) => {
      onStart = () => started.length >= count && done();
      onStart();
    });

  const giveUp = new AbortController();
  const first = resolve("first", giveUp.signal);
  await startedBecomes(1);
  const second = resolve("second", never);
  await startedBecomes(2);
  const third = resolve("third", giveUp.signal);
  const gaveUp = Promise.allSettled([first, third]);
  // Asked after the third and answered by then: the third waits for its turn.
  expect(await resolve("shop.example.com", never)).toEqual(["192.0.2.1"]);
  giveUp.abort(new Error("gave up"));
  expect((await gaveUp).map(({ status }) => status)).toEqual(["rejected", "rejected"]);

  // The first has ended for its caller, but still holds its thread.
  const fourth = resolve("fourth", never);
  finish[1]!();
  expect(await second).toEqual(["second"]);
  await startedBecomes(3);
  finish[0]!();
  finish[2]!();
  expect(await fourth).toEqual(["fourth"]);
  expect(started).toEqual(["first", "second", "fourth"]);
});

test("a system lookup that fails makes room for the next", async () => {
  const { servers } = await nameServer({});
  const resolve = createResolve({
    servers,
    lookup: (name) => (name === "good" ? Promise.resolve([{ address: "192.0.2.1" }]) : Promise.reject(new Error(name))),
  });
  const failing = ["bad1", "bad2", "bad3", "bad4"].map((name) => resolve(name, never));
  expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(Array(4).fill("rejected"));
  expect(await resolve("good", never)).toEqual(["192.0.2.1"]);
});

test("a signal keeps no listener of what has ended", async () => {
  const { signal } = new AbortController();
  for (let waits = 0; waits < 3; waits++) {
    await beforeAbort(Promise.resolve(1), signal);
    await expect(beforeAbort(Promise.reject(new Error("failed")), signal)).rejects.toThrow("failed");
  }
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
