import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer, type ServerOptions } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { createAuthority, selfSigned } from "../testing/certificate.ts";
import { type Call, type CallResult, createLine, type Line, type LineOptions } from "./line.ts";
import { parseNets } from "./nets.ts";
import type { Resolve } from "./resolve.ts";

const local = parseNets("127.0.0.0/8");
const public4 = "93.184.215.14";
const public6 = "2606:4700:4700::1111";
const closes: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closes.splice(0).toReversed()) await close();
});

function line(options: Partial<LineOptions> = {}): Line {
  const made = createLine({ nets: local, ...options });
  closes.push(() => made.destroy());
  return made;
}

function post(url: string | URL, more: Partial<Call> = {}): Call {
  return { url: new URL(url), headers: { "content-type": "application/json" }, body: "{}", deadlineMs: 5000, ...more };
}

/** Small, for what never answers. */
const soon = { deadlineMs: 150 };

function answerOf(result: CallResult) {
  if ("failure" in result) throw new Error(`${result.failure.code}: ${result.failure.sentence}`);
  return result.answer;
}

function failureOf(result: CallResult) {
  if ("answer" in result) throw new Error(`answered ${result.answer.status}`);
  return result.failure;
}

const answers =
  (...ips: string[]): Resolve =>
  async () =>
    ips;

/** A peer on 127.0.0.1 that counts its connections and knows when all of them have ended. */
async function listen<T extends Server>(server: T, event: "connection" | "secureConnection" = "connection") {
  const sockets = new Set<Socket>();
  const peer = { port: 0, connections: 0, empty: async () => {}, server };
  let onEmpty = () => {};
  server.on(event, (socket: Socket) => {
    peer.connections += 1;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0) onEmpty();
    });
  });
  peer.empty = () =>
    new Promise<void>((resolve) => {
      onEmpty = resolve;
      if (sockets.size === 0) resolve();
    });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  peer.port = (server.address() as AddressInfo).port;
  closes.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => {
      server.close(resolve);
    });
  });
  return peer;
}

const http = (listener: RequestListener) => listen(createHttpServer(listener));
const https = (options: ServerOptions, listener: RequestListener = (_request, response) => response.end("OK")) =>
  listen(createHttpsServer(options, listener), "secureConnection");
/** Speaks bytes. */
const tcp = (onSocket: (socket: Socket, connection: number) => void) => {
  let connection = 0;
  return listen(createTcpServer((socket) => onSocket(socket, ++connection)));
};
/** Bytes as the whole answer to a whole request. */
const says = (bytes: string) => tcp((socket) => void socket.on("data", () => socket.write(bytes, "latin1")));
const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK";

describe("a call", () => {
  test("brings method, path, headers and body as they are, and the answer back", async () => {
    const seen: unknown[] = [];
    const peer = await http((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const { method, url, headers } = request;
        seen.push({
          method,
          url,
          body,
          id: headers["webhook-id"],
          host: headers.host,
          length: headers["content-length"],
        });
        response.writeHead(202, { "retry-after": "7", "x-other": "1" }).end("grüße");
      });
    });
    const url = `http://127.0.0.1:${peer.port}/in/a%20b?x=%26`;
    const result = await line().call(post(url, { headers: { "webhook-id": "msg_1" }, body: '{"ü":1}' }));
    expect(answerOf(result)).toEqual({ status: 202, headers: { retryAfter: "7" }, body: "grüße" });
    expect(seen).toEqual([
      {
        method: "POST",
        url: "/in/a%20b?x=%26",
        body: '{"ü":1}',
        id: "msg_1",
        host: `127.0.0.1:${peer.port}`,
        length: "8",
      },
    ]);
  });

  test("measures each phase by the clock it is given, and leaves out those that did not happen", async () => {
    const peer = await http((_request, response) => response.end("OK"));
    let ticks = 0;
    const one = line({ resolve: answers("127.0.0.1"), now: () => ++ticks });
    const first = await one.call(post(`http://shop.example.com:${peer.port}/`));
    expect(first.times).toMatchObject({ dnsMs: expect.any(Number), connectMs: expect.any(Number), tlsMs: null });
    const { dnsMs, connectMs, firstByteMs, totalMs } = first.times;
    expect(dnsMs! + connectMs! + firstByteMs!).toBeLessThan(totalMs);
    const second = await one.call(post(`http://shop.example.com:${peer.port}/`));
    expect(second.times).toEqual({
      dnsMs: null,
      connectMs: null,
      tlsMs: null,
      firstByteMs: expect.any(Number),
      totalMs: expect.any(Number),
    });
    expect(peer.connections).toBe(1);
  });

  test.each([
    ["an empty body", Buffer.from(""), ""],
    ["bytes that are no UTF-8", Buffer.from([0x4f, 0xff, 0xc3, 0x4b]), "O\uFFFD\uFFFDK"],
    ["NUL", Buffer.from("a\0b"), "a\uFFFDb"],
    ["more than is kept", Buffer.from("x".repeat(5000)), "x".repeat(1024)],
    ["characters of three bytes", Buffer.from("€".repeat(1500)), "€".repeat(1024)],
    ["a pair that would be cut in two", Buffer.from(`x${"😀".repeat(600)}`), `x${"😀".repeat(511)}`],
  ])("keeps of %s its beginning as clean text", async (_what, bytes, text) => {
    const peer = await http((_request, response) => response.end(bytes));
    expect(answerOf(await line().call(post(`http://127.0.0.1:${peer.port}/`))).body).toBe(text);
  });

  test("keeps characters whole that arrive byte by byte", async () => {
    const bytes = Buffer.from("€😀");
    const peer = await tcp((socket) => {
      socket.setNoDelay(true).write(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`);
      let at = 0;
      const next = () => at < bytes.length && socket.write(bytes.subarray(at, ++at), () => setImmediate(next));
      socket.once("data", next);
    });
    expect(answerOf(await line().call(post(`http://127.0.0.1:${peer.port}/`))).body).toBe("€😀");
  });

  test("takes a redirect as the answer and goes nowhere", async () => {
    let requests = 0;
    const peer = await http((_request, response) => {
      requests += 1;
      response.writeHead(307, { location: "/again" }).end();
    });
    expect(answerOf(await line().call(post(`http://127.0.0.1:${peer.port}/`))).status).toBe(307);
    expect(requests).toBe(1);
  });

  test("does not take early hints for the answer", async () => {
    const peer = await says(`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${ok}`);
    expect(answerOf(await line().call(post(`http://127.0.0.1:${peer.port}/`)))).toMatchObject({
      status: 200,
      body: "OK",
    });
  });

  test("reads 64 KiB of an endless answer, then hangs up and takes its status", async () => {
    const peer = await http((_request, response) => {
      const more = () => {
        while (response.write("x".repeat(1000)));
      };
      response.on("drain", more);
      more();
    });
    const one = line();
    expect(answerOf(await one.call(post(`http://127.0.0.1:${peer.port}/`)))).toMatchObject({
      status: 200,
      body: "x".repeat(1024),
    });
    await peer.empty();
  });

  test.each([
    ["a number", "HTTP/1.1 503 No\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n", "120"],
    ["two of them", "HTTP/1.1 503 No\r\nretry-after: 1\r\nretry-after: 2\r\ncontent-length: 0\r\n\r\n", "1"],
    ["a long one", `HTTP/1.1 503 No\r\nretry-after: ${"9".repeat(1000)}\r\ncontent-length: 0\r\n\r\n`, "9".repeat(64)],
    ["one with strange bytes", "HTTP/1.1 503 No\r\nretry-after: 1\xff\t2\r\ncontent-length: 0\r\n\r\n", "12"],
    ["none", "HTTP/1.1 503 No\r\nconstructor: x\r\n__proto__: y\r\ncontent-length: 0\r\n\r\n", null],
  ])("reads Retry-After when it is %s", async (_what, bytes, retryAfter) => {
    const peer = await says(bytes);
    expect(answerOf(await line().call(post(`http://127.0.0.1:${peer.port}/`)))).toEqual({
      status: 503,
      headers: { retryAfter },
      body: "",
    });
  });

  test("one line carries one call at a time", async () => {
    const peer = await http((_request, response) => response.end("OK"));
    const one = line();
    const running = one.call(post(`http://127.0.0.1:${peer.port}/`));
    expect(() => one.call(post(`http://127.0.0.1:${peer.port}/`))).toThrow("one call at a time");
    expect(answerOf(await running).body).toBe("OK");
  });
});

describe("an address that is not public", () => {
  test.each<[string, string[]]>([
    ["loopback", ["127.0.0.1"]],
    ["loopback in IPv6", ["::1"]],
    ["private", ["10.0.0.1"]],
    ["the metadata service of a cloud", ["169.254.169.254"]],
    ["IPv4-mapped", ["::ffff:127.0.0.1"]],
    ["IPv4-mapped in hexadecimal", ["::ffff:a9fe:a9fe"]],
    ["NAT64", ["64:ff9b::7f00:1"]],
    ["6to4", ["2002:7f00:1::"]],
    ["Teredo", ["2001:0:7f00:1::"]],
    ["unspecified", ["0.0.0.0"]],
    ["unspecified in IPv6", ["::"]],
    ["link-local with a zone", ["fe80::1%lo"]],
    ["public, then private", [public4, "10.0.0.1"]],
    ["private, then public", ["192.168.1.1", public4]],
    ["public in both families, then loopback", [public4, public6, "::1"]],
    ["the last of many", [...Array.from({ length: 40 }, (_, index) => `8.8.8.${index}`), "172.16.0.1"]],
    ["no address", ["localhost"]],
    ["an address in octal", ["0177.0.0.1"]],
    ["an address in decimal", ["2130706433"]],
    ["an empty word", [""]],
  ])("is refused when a name leads to %s", async (_what, ips) => {
    const one = line({ nets: parseNets(""), resolve: answers(...ips) });
    const result = await one.call(post("https://shop.example.com/"));
    expect(failureOf(result)).toMatchObject({
      code: "address_not_public",
      sentence: expect.stringContaining("address"),
    });
    expect(result.times.connectMs).toBeNull();
  });

  test.each<[string, string[], string]>([
    ["an opened and a private address", ["127.0.0.1", "10.0.0.1"], "address_not_public"],
    ["an opened and a private address in IPv6", ["127.0.0.1", "fd00::1"], "address_not_public"],
    ["an opened address after a link-local one", ["169.254.169.254", "127.0.0.1"], "address_not_public"],
    ["an opened and a public address over http", ["127.0.0.1", public4], "https_required"],
    ["a public address over http", [public4], "https_required"],
  ])("is not connected to when a name leads to %s", async (_what, ips, code) => {
    const peer = await http((_request, response) => response.end("OK"));
    const result = await line({ resolve: answers(...ips) }).call(post(`http://shop.example.com:${peer.port}/`));
    expect(failureOf(result).code).toBe(code);
    expect(peer.connections).toBe(0);
  });

  test.each([
    ["http://127.0.0.1/", "address_not_public"],
    ["https://[::ffff:127.0.0.1]/", "address_not_public"],
    ["https://0x7f.1/", "address_not_public"],
    ["https://localhost/", "address_not_public"],
    ["https://shop.localhost./", "address_not_public"],
    ["http://shop.example.com/", "https_required"],
    ["ftp://shop.example.com/", "https_required"],
    ["data:text/plain,x", "https_required"],
    ["blob:https://shop.example.com/x", "https_required"],
  ])("is refused as it stands in %s, and no name is asked for", async (url, code) => {
    const asked: string[] = [];
    const resolve: Resolve = async (name) => (asked.push(name), [public4]);
    const one = line({ nets: parseNets(""), resolve });
    expect(failureOf(await one.call(post(url))).code).toBe(code);
    expect(failureOf(await one.call(post(url))).code).toBe(code);
    expect(asked).toEqual([]);
  });

  test("cannot be reached by a name server that changes its answer between two connections", async () => {
    const peer = await http((_request, response) => response.writeHead(200, { connection: "close" }).end("OK"));
    const told = [["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1"]];
    let asked = 0;
    const one = line({ resolve: async () => told[asked++]! });
    const call = () => one.call(post(`http://shop.example.com:${peer.port}/`));
    // Asked once per connection: there is no second answer between check and connection.
    expect(answerOf(await call()).body).toBe("OK");
    expect(asked).toBe(1);
    expect(failureOf(await call()).code).toBe("address_not_public");
    expect(asked).toBe(2);
    expect(answerOf(await call()).body).toBe("OK");
    expect(peer.connections).toBe(2);
  });

  test("is not asked for again while a checked connection is kept", async () => {
    const peer = await http((_request, response) => response.end("OK"));
    let asked = 0;
    const one = line({ resolve: async () => (++asked === 1 ? ["127.0.0.1"] : ["10.0.0.1"]) });
    for (let calls = 0; calls < 5; calls++) answerOf(await one.call(post(`http://shop.example.com:${peer.port}/`)));
    expect([asked, peer.connections]).toEqual([1, 1]);
  });

  test.each(["http://localhost", "http://shop.localhost", "http://127.1", "http://[::ffff:127.0.0.1]"])(
    "is reached as %s when the operator opened it",
    async (origin) => {
      const peer = await http((_request, response) => response.end("OK"));
      const resolve = () => Promise.reject(new Error("nobody is to be asked"));
      const result = await line({ resolve }).call(post(`${origin}:${peer.port}/`));
      expect(answerOf(result).body).toBe("OK");
      expect(result.times.dnsMs).toBeNull();
    },
  );
});

describe("a name", () => {
  test.each([
    ["ENOTFOUND", "does not exist"],
    ["ENODATA", "does not exist"],
    ["ETIMEOUT", "did not answer"],
    ["ESERVFAIL", "could not be resolved"],
  ])("that fails with %s is said to be so", async (code, words) => {
    const resolve = () => Promise.reject(Object.assign(new Error("query of 10.9.8.7"), { code }));
    const result = await line({ resolve }).call(post("https://shop.example.com/"));
    expect(failureOf(result)).toEqual({ code: "dns_failed", sentence: expect.stringContaining(words) });
    expect(result.times).toMatchObject({ dnsMs: expect.any(Number), connectMs: null, firstByteMs: null });
  });

  test("without an address fails", async () => {
    const result = await line({ resolve: answers() }).call(post("https://shop.example.com/"));
    expect(failureOf(result).code).toBe("dns_failed");
  });

  test("that is never answered ends at the deadline, also when the resolver ignores its signal", async () => {
    let signal: AbortSignal | undefined;
    const resolve: Resolve = (_name, given) => {
      signal = given;
      return new Promise(() => {});
    };
    const result = await line({ resolve }).call(post("https://shop.example.com/", soon));
    expect(failureOf(result)).toEqual({
      code: "timed_out",
      sentence: "The host name could not be resolved within 0.15 seconds.",
    });
    expect(signal?.aborted).toBe(true);
  });

  test("is reached by its second address when nothing listens at the first", async () => {
    const peer = await http((_request, response) => response.end("OK"));
    const one = line({ resolve: answers("127.0.0.2", "127.0.0.3", "127.0.0.1") });
    expect(answerOf(await one.call(post(`http://shop.example.com:${peer.port}/`))).body).toBe("OK");
  });
});

describe("a receiver", () => {
  test("where nothing listens refuses the connection", async () => {
    const { port, server } = await tcp(() => {});
    await new Promise((resolve) => {
      server.close(resolve);
    });
    const result = await line().call(post(`http://127.0.0.1:${port}/`));
    expect(failureOf(result).code).toBe("connect_failed");
    expect(result.times).toMatchObject({ connectMs: expect.any(Number), firstByteMs: null });
  });

  test.each<[string, (socket: Socket) => unknown, string]>([
    ["accepts and says nothing", () => {}, "No answer came within 0.15 seconds."],
    ["says half a status line", (socket) => socket.write("HTTP/1.1 20"), "No answer came within 0.15 seconds."],
    ["says a header without end", (socket) => socket.write("HTTP/1.1 200 OK\r\nx: y\r\n"), "No answer came"],
    ["hints for ever", (socket) => drip(socket, "HTTP/1.1 103 Early Hints\r\n\r\n"), "No answer came"],
    [
      "says a byte now and then",
      (socket) => {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n");
        drip(socket, "x");
      },
      "The answer was not complete within 0.15 seconds.",
    ],
    [
      "says chunks now and then",
      (socket) => {
        socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        drip(socket, "1\r\nx\r\n");
      },
      "The answer was not complete within 0.15 seconds.",
    ],
  ])("that %s is left at the deadline", async (_what, speak, words) => {
    const peer = await tcp((socket) => void socket.once("data", () => speak(socket)));
    const result = await line().call(post(`http://127.0.0.1:${peer.port}/`, soon));
    expect(failureOf(result)).toEqual({ code: "timed_out", sentence: expect.stringContaining(words) });
    await peer.empty();
  });

  test.each([
    ["garbage", "\x00\x01\x02garbage\r\n\r\n", "not an answer in HTTP"],
    ["another protocol", "220 mail.example.com ESMTP\r\n", "not an answer in HTTP"],
    ["a length that is no number", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "not an answer"],
    ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", "not as long"],
    ["a broken chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "not an answer"],
    ["an upgrade nobody asked for", "HTTP/1.1 101 Up\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", "not an answer"],
    ["go on, which nobody asked", "HTTP/1.1 100 Continue\r\n\r\n", "not an answer"],
    ["headers without measure", `HTTP/1.1 200 OK\r\n${`x: ${"y".repeat(1000)}\r\n`.repeat(40)}\r\n`, "16 KiB"],
    ["one header without measure", `HTTP/1.1 200 OK\r\nx: ${"y".repeat(40_000)}`, "16 KiB"],
  ])("that says %s has given no answer", async (_what, bytes, words) => {
    const peer = await says(bytes);
    const result = await line().call(post(`http://127.0.0.1:${peer.port}/`));
    expect(failureOf(result)).toEqual({ code: "answer_invalid", sentence: expect.stringContaining(words) });
    await peer.empty();
    expect(peer.connections).toBe(1);
  });

  test.each<[string, (socket: Socket) => unknown]>([
    ["hangs up before the request", (socket) => socket.resume().end()],
    ["hangs up at the request", (socket) => socket.once("data", () => socket.end())],
    ["resets at the request", (socket) => socket.once("data", () => socket.resetAndDestroy())],
    ["breaks off in its headers", (socket) => socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nx:"))],
    [
      "breaks off in its body",
      (socket) => socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nOK")),
    ],
  ])("that %s on a new connection is not called twice", async (_what, act) => {
    const peer = await tcp((socket) => void act(socket));
    const result = await line().call(post(`http://127.0.0.1:${peer.port}/`));
    expect(failureOf(result).code).toBe("connection_lost");
    await peer.empty();
    expect(peer.connections).toBe(1);
  });

  test("that failed a hundred times has no connection left open, and the line still works", async () => {
    let failing = true;
    const peer = await tcp((socket, connection) => {
      socket.on("data", () => {
        if (!failing) socket.write(ok);
        else if (connection % 3 === 0) socket.write("garbage\r\n\r\n");
        else if (connection % 3 === 1) socket.resetAndDestroy();
        else socket.write(`HTTP/1.1 200 OK\r\n\r\n${"x".repeat(70_000)}`);
      });
    });
    const one = line();
    for (let calls = 0; calls < 100; calls++) await one.call(post(`http://127.0.0.1:${peer.port}/`));
    await peer.empty();
    expect(peer.connections).toBe(100);
    failing = false;
    expect(answerOf(await one.call(post(`http://127.0.0.1:${peer.port}/`))).body).toBe("OK");
  });

  test("that was too slow for one call is asked anew by the next, which does not get the late answer", async () => {
    const peer = await tcp((socket, connection) => {
      socket.on("data", () => {
        if (connection === 2) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nnew");
      });
    });
    const one = line();
    expect(failureOf(await one.call(post(`http://127.0.0.1:${peer.port}/`, soon))).code).toBe("timed_out");
    expect(answerOf(await one.call(post(`http://127.0.0.1:${peer.port}/`))).body).toBe("new");
  });
});

describe("a kept connection", () => {
  test.each<[string, (socket: Socket) => unknown]>([
    ["ended", (socket) => socket.end()],
    ["reset", (socket) => socket.resetAndDestroy()],
  ])("that is %s at its second request is replaced, and the call goes on", async (_how, breakOff) => {
    let requests = 0;
    const peer = await tcp((socket) => {
      let first = true;
      socket.on("data", () => {
        requests += 1;
        if (first) socket.write(ok);
        else breakOff(socket);
        first = false;
      });
    });
    const one = line();
    const call = () => one.call(post(`http://127.0.0.1:${peer.port}/`));
    expect((await call()).times.connectMs).not.toBeNull();
    const second = await call();
    expect(answerOf(second).body).toBe("OK");
    expect(second.times.connectMs).not.toBeNull();
    expect([requests, peer.connections]).toEqual([3, 2]);
  });

  test("is replaced once only", async () => {
    const peer = await tcp((socket, connection) => {
      let first = connection === 1;
      socket.on("data", () => {
        if (first) socket.write(ok);
        else socket.resetAndDestroy();
        first = false;
      });
    });
    const one = line();
    const call = () => one.call(post(`http://127.0.0.1:${peer.port}/`));
    answerOf(await call());
    expect(failureOf(await call()).code).toBe("connection_lost");
    expect(peer.connections).toBe(2);
  });

  test("that breaks after the answer began is not replaced", async () => {
    const peer = await tcp((socket) => {
      let first = true;
      socket.on("data", () => {
        if (first) socket.write(ok);
        else socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n");
        first = false;
      });
    });
    const one = line();
    const call = () => one.call(post(`http://127.0.0.1:${peer.port}/`));
    answerOf(await call());
    expect(failureOf(await call()).code).toBe("connection_lost");
    expect(peer.connections).toBe(1);
  });

  test("leaves the deadline as it was when it has to be replaced", async () => {
    const peer = await tcp((socket, connection) => {
      let first = connection === 1;
      socket.on("data", () => {
        if (first) socket.write(ok);
        else if (connection === 1) socket.destroy();
        first = false;
      });
    });
    const one = line();
    answerOf(await one.call(post(`http://127.0.0.1:${peer.port}/`)));
    expect(failureOf(await one.call(post(`http://127.0.0.1:${peer.port}/`, soon))).code).toBe("timed_out");
  });

  test("that the receiver closed while it was idle costs nothing but a new one", async () => {
    const peer = await http((_request, response) => response.end("OK"));
    const one = line();
    answerOf(await one.call(post(`http://127.0.0.1:${peer.port}/`)));
    peer.server.closeIdleConnections();
    await peer.empty();
    expect(answerOf(await one.call(post(`http://127.0.0.1:${peer.port}/`))).body).toBe("OK");
    expect(peer.connections).toBe(2);
  });

  test("is not used again when the receiver will close it within two seconds", async () => {
    const peer = await says(ok.replace("OK\r\n", "OK\r\nkeep-alive: timeout=2\r\n"));
    const one = line();
    for (let calls = 0; calls < 3; calls++) answerOf(await one.call(post(`http://127.0.0.1:${peer.port}/`)));
    expect(peer.connections).toBe(3);
  });

  test("on which an answer comes that nobody asked for is not used again", async () => {
    const peer = await tcp((socket, connection) => {
      socket.on("data", () => socket.write(connection === 1 ? ok + ok.replace("OK\r\n", "Forged\r\n") : ok));
    });
    const one = line();
    answerOf(await one.call(post(`http://127.0.0.1:${peer.port}/`)));
    answerOf(await one.call(post(`http://127.0.0.1:${peer.port}/`)));
    expect(peer.connections).toBe(2);
  });

  test("is not used for another origin", async () => {
    const [one, other] = await Promise.all(
      ["one", "other"].map((name) => http((_request, response) => response.end(name))),
    );
    const shared = line();
    for (const peer of [one!, other!, one!]) {
      const { body } = answerOf(await shared.call(post(`http://127.0.0.1:${peer.port}/`)));
      expect(body).toBe(peer === one ? "one" : "other");
    }
    expect([one!.connections, other!.connections]).toEqual([2, 1]);
  });

  test("is closed with its line, after which calls fail", async () => {
    const peer = await http((_request, response) => response.end("OK"));
    const one = line();
    const running = one.call(post(`http://127.0.0.1:${peer.port}/`));
    await one.close();
    expect(answerOf(await running).body).toBe("OK");
    await peer.empty();
    expect(failureOf(await one.call(post(`http://127.0.0.1:${peer.port}/`))).code).toBe("line_closed");
    expect(peer.connections).toBe(1);
  });

  test("and the call on it end at once when the line is destroyed", async () => {
    const one = line();
    const peer = await tcp((socket) => void socket.once("data", () => void one.destroy()));
    expect(failureOf(await one.call(post(`http://127.0.0.1:${peer.port}/`))).code).toBe("line_closed");
    await peer.empty();
  });

  test("that is only being opened ends too when the line is destroyed", async () => {
    const one = line({ resolve: () => (void one.destroy(), new Promise(() => {})) });
    expect(failureOf(await one.call(post("https://shop.example.com/"))).code).toBe("line_closed");
  });
});

describe("a header", () => {
  test.each<[string, Record<string, string>]>([
    ["a line break in its value", { "x-id": "1\r\nx-forged: 1" }],
    ["a line feed alone", { "x-id": "1\nx-forged: 1" }],
    ["a carriage return alone", { "x-id": "1\rx" }],
    ["NUL", { "x-id": "1\0" }],
    ["a character outside Latin-1", { "x-id": "1\u{2028}" }],
    ["characters that would be cut to a line break", { "x-id": "1\u{010d}\u{010a}x" }],
    ["a line break in its name", { "x-id: 1\r\nx-forged": "1" }],
    ["a colon in its name", { "x:id": "1" }],
    ["a space in its name", { "x id": "1" }],
    ["no name", { "": "1" }],
    ["the host", { Host: "internal.example.com" }],
    ["a length of its own", { "content-length": "1" }],
    ["an encoding of its own", { "Transfer-Encoding": "chunked" }],
    ["a wish about the connection", { connection: "close" }],
    ["an upgrade", { upgrade: "h2c" }],
    ["an expectation", { expect: "100-continue" }],
    ["a login at the proxy", { "proxy-authorization": "Basic x" }],
  ])("with %s is refused before anything is sent", async (_what, headers) => {
    const peer = await http((_request, response) => response.end("OK"));
    const result = await line().call(post(`http://127.0.0.1:${peer.port}/`, { headers }));
    expect(failureOf(result).code).toBe("header_invalid");
    expect(failureOf(result).sentence).toMatch(/^[\x20-\x7e]+$/);
    expect(peer.connections).toBe(0);
  });
});

describe("over TLS", () => {
  const authority = createAuthority();
  const ours = authority.issue(["paybell"]);
  const trusting = { cert: ours.cert, key: ours.key, ca: authority.cert };
  const dayMs = 24 * 60 * 60 * 1000;
  const past = (days: number) => new Date(Date.now() - days * dayMs);
  const resolve = answers("127.0.0.1");

  test("the name is proved and told to the server, while the checked address is connected to", async () => {
    const told: unknown[] = [];
    const peer = await https(authority.issue(["shop.example.com"]), (request, response) => {
      told.push((request.socket as TLSSocket & { servername: unknown }).servername);
      response.end("OK");
    });
    const one = line({ resolve, tls: trusting });
    for (const host of ["shop.example.com", "shop.example.com", "shop.example.com."]) {
      expect(answerOf(await one.call(post(`https://${host}:${peer.port}/`))).body).toBe("OK");
    }
    const { times } = await one.call(post(`https://shop.example.com:${peer.port}/`));
    expect(times).toMatchObject({
      dnsMs: expect.any(Number),
      connectMs: expect.any(Number),
      tlsMs: expect.any(Number),
    });
    expect(told).toEqual(Array(4).fill("shop.example.com"));
  });

  test("an IP address is proved by a certificate for it", async () => {
    const peer = await https(authority.issue(["127.0.0.1"]));
    const result = await line({ tls: trusting }).call(post(`https://127.0.0.1:${peer.port}/`));
    expect(answerOf(result).body).toBe("OK");
  });

  test.each([
    ["for another host", authority.issue(["other.example.com"]), "does not fit the host name"],
    ["for the address alone", authority.issue(["127.0.0.1"]), "does not fit the host name"],
    ["that has expired", authority.issue(["shop.example.com"], past(3), past(2)), "has expired"],
    ["that is not valid yet", authority.issue(["shop.example.com"], past(-1), past(-2)), "is not valid yet"],
    ["that is self-signed", selfSigned("shop.example.com"), "is self-signed"],
    ["of another authority", createAuthority().issue(["shop.example.com"]), "trusted authority"],
  ])("a certificate %s is refused and the request not sent", async (_what, certificate, words) => {
    let requests = 0;
    const peer = await https(certificate, (_request, response) => {
      requests += 1;
      response.end("OK");
    });
    const result = await line({ resolve, tls: trusting }).call(post(`https://shop.example.com:${peer.port}/`));
    expect(failureOf(result)).toEqual({ code: "tls_failed", sentence: expect.stringContaining(words) });
    expect(result.times).toMatchObject({ tlsMs: expect.any(Number), firstByteMs: null });
    expect(requests).toBe(0);
    await peer.empty();
  });

  test("no certificate of our own authority is trusted unless the connection names it", async () => {
    const peer = await https(authority.issue(["shop.example.com"]));
    const result = await line({ resolve }).call(post(`https://shop.example.com:${peer.port}/`));
    expect(failureOf(result).code).toBe("tls_failed");
  });

  test("NODE_TLS_REJECT_UNAUTHORIZED changes nothing", async () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    closes.push(() => delete process.env.NODE_TLS_REJECT_UNAUTHORIZED);
    const peer = await https(selfSigned("shop.example.com"));
    const result = await line({ resolve }).call(post(`https://shop.example.com:${peer.port}/`));
    expect(failureOf(result).code).toBe("tls_failed");
  });

  test("a server that wants a client certificate gets the connection's", async () => {
    const options = { ...authority.issue(["shop.example.com"]), ca: authority.cert, requestCert: true };
    const peer = await https(options, (request, response) => {
      response.end((request.socket as TLSSocket).getPeerCertificate().subject.CN);
    });
    const result = await line({ resolve, tls: trusting }).call(post(`https://shop.example.com:${peer.port}/`));
    expect(answerOf(result).body).toBe("paybell");
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "a client certificate the server does not accept fails the call in %s",
    async (version) => {
      const options = { ...authority.issue(["shop.example.com"]), ca: createAuthority().cert, requestCert: true };
      const peer = await https({ ...options, minVersion: version, maxVersion: version });
      const result = await line({ resolve, tls: trusting }).call(post(`https://shop.example.com:${peer.port}/`));
      // In TLS 1.3 the server's word may be lost when it resets the connection behind it.
      expect(["tls_failed", "connection_lost"]).toContain(failureOf(result).code);
    },
  );

  test("a client certificate that cannot be read fails the call and not the process", async () => {
    const peer = await https(authority.issue(["shop.example.com"]));
    const tls = { cert: "no certificate", key: "no key" };
    const result = await line({ resolve, tls }).call(post(`https://shop.example.com:${peer.port}/`));
    expect(failureOf(result)).toEqual({
      code: "tls_failed",
      sentence: "Our client certificate, its key or the receiver's authority cannot be read.",
    });
  });

  test("a server that speaks plain HTTP is told apart", async () => {
    const peer = await http((_request, response) => response.end("OK"));
    const result = await line({ resolve }).call(post(`https://shop.example.com:${peer.port}/`));
    expect(failureOf(result)).toEqual({ code: "tls_failed", sentence: "The server does not speak TLS on this port." });
    await peer.empty();
  });

  test("a server that hangs up instead of a handshake fails the call", async () => {
    const peer = await tcp((socket) => void socket.once("data", () => socket.destroy()));
    const result = await line({ resolve }).call(post(`https://shop.example.com:${peer.port}/`));
    expect(failureOf(result).code).toBe("tls_failed");
  });

  test("a handshake that never ends is left at the deadline", async () => {
    const peer = await tcp((socket) => void socket.resume());
    const result = await line({ resolve }).call(post(`https://shop.example.com:${peer.port}/`, soon));
    expect(failureOf(result)).toMatchObject({ code: "timed_out", sentence: expect.stringContaining("encrypted") });
    await peer.empty();
  });

  test("a kept connection that breaks is replaced", async () => {
    let requests = 0;
    const peer = await https(authority.issue(["shop.example.com"]), (request, response) => {
      requests += 1;
      if (requests === 2) request.socket.destroy();
      else response.end("OK");
    });
    const one = line({ resolve, tls: trusting });
    const call = () => one.call(post(`https://shop.example.com:${peer.port}/`));
    answerOf(await call());
    expect(answerOf(await call()).body).toBe("OK");
    expect([requests, peer.connections]).toEqual([3, 2]);
  });
});

describe("through a proxy", () => {
  const authority = createAuthority();
  const ours = authority.issue(["paybell"]);
  const trusting = { cert: ours.cert, key: ours.key, ca: authority.cert };
  const resolve = () => Promise.reject(new Error("Names are the proxy's."));

  /** Connects every request to this port of 127.0.0.1, or answers with a status. */
  async function proxyTo(port: number, status = 200) {
    const asked: unknown[] = [];
    const peer = await http((_request, response) => response.writeHead(405).end());
    peer.server.on("connect", (request, socket: Socket) => {
      asked.push([request.method, request.url, request.headers.host, request.headers["proxy-authorization"]]);
      if (status !== 200) {
        socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
        return;
      }
      const upstream = connect(port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connected\r\n\r\n");
        socket.pipe(upstream).pipe(socket);
      });
      upstream.on("error", () => socket.destroy());
      socket.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
    });
    return { ...peer, asked, url: `http://127.0.0.1:${peer.port}` };
  }

  test("names are resolved there, the certificate is proved here, and the tunnel is kept", async () => {
    const peer = await https(authority.issue(["shop.example.com"]));
    const proxy = await proxyTo(peer.port);
    const one = line({ resolve, proxy: proxy.url, tls: trusting });
    const first = await one.call(post("https://shop.example.com/"));
    expect(answerOf(first).body).toBe("OK");
    expect(first.times).toMatchObject({ dnsMs: null, connectMs: expect.any(Number), tlsMs: expect.any(Number) });
    expect((await one.call(post("https://shop.example.com/"))).times.connectMs).toBeNull();
    expect(proxy.asked).toEqual([["CONNECT", "shop.example.com:443", "shop.example.com:443", undefined]]);
  });

  test("a certificate for another host is refused behind a proxy too", async () => {
    const peer = await https(authority.issue(["other.example.com"]));
    const proxy = await proxyTo(peer.port);
    const result = await line({ proxy: proxy.url, tls: trusting }).call(post("https://shop.example.com/"));
    expect(failureOf(result).code).toBe("tls_failed");
    await peer.empty();
  });

  test("the login is sent to the proxy alone", async () => {
    const headers: unknown[] = [];
    const peer = await http((request, response) => {
      headers.push(request.headers["proxy-authorization"]);
      response.end("OK");
    });
    const proxy = await proxyTo(peer.port);
    const url = proxy.url.replace("http://", "http://user:pass%40word@");
    expect(answerOf(await line({ proxy: url }).call(post(`http://127.0.0.1:${peer.port}/`))).body).toBe("OK");
    const login = `Basic ${Buffer.from("user:pass@word").toString("base64")}`;
    expect(proxy.asked).toEqual([["CONNECT", `127.0.0.1:${peer.port}`, `127.0.0.1:${peer.port}`, login]]);
    expect(headers).toEqual([undefined]);
  });

  test.each([
    ["https://10.0.0.1/", "address_not_public"],
    ["https://[::1]/", "address_not_public"],
    ["https://0xa9fea9fe/", "address_not_public"],
    // Where the name leads only the proxy would know.
    ["http://shop.example.com/", "https_required"],
  ])("%s is refused before the proxy is asked", async (url, code) => {
    const proxy = await proxyTo(1);
    expect(failureOf(await line({ resolve, proxy: proxy.url }).call(post(url))).code).toBe(code);
    expect(proxy.connections).toBe(0);
  });

  test.each([
    [403, "would not connect to the server (403)"],
    [407, "asks for a login"],
    [502, "would not connect to the server (502)"],
    [302, "would not connect to the server (302)"],
  ])("a proxy that says %i fails the call", async (status, words) => {
    const proxy = await proxyTo(1, status);
    const result = await line({ resolve, proxy: proxy.url }).call(post("https://shop.example.com/"));
    expect(failureOf(result)).toEqual({ code: "proxy_failed", sentence: expect.stringContaining(words) });
    await proxy.empty();
  });

  test.each<[string, (socket: Socket) => unknown]>([
    ["says garbage", (socket) => socket.end("garbage\r\n\r\n")],
    ["hangs up", (socket) => socket.destroy()],
    ["has no end to its headers", (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(100_000)}`)],
  ])("a proxy that %s fails the call", async (_what, speak) => {
    const peer = await tcp((socket) => void socket.once("data", () => speak(socket)));
    const result = await line({ proxy: `http://127.0.0.1:${peer.port}` }).call(post("https://shop.example.com/"));
    expect(failureOf(result).code).toBe("proxy_failed");
    await peer.empty();
  });

  test("a proxy that says nothing is left at the deadline", async () => {
    const peer = await tcp((socket) => void socket.resume());
    const proxy = `http://127.0.0.1:${peer.port}`;
    const result = await line({ proxy }).call(post("https://shop.example.com/", soon));
    expect(failureOf(result).code).toBe("timed_out");
    await peer.empty();
  });

  test("a proxy that cannot be reached fails the call", async () => {
    const { port, server } = await tcp(() => {});
    await new Promise((done) => {
      server.close(done);
    });
    const result = await line({ proxy: `http://127.0.0.1:${port}` }).call(post("https://shop.example.com/"));
    expect(failureOf(result).code).toBe("proxy_failed");
  });

  test.each(["", "proxy:3128", "https://proxy.example.com", "socks5://proxy.example.com", "http://us%er:secret@proxy"])(
    "%j is no proxy, and the message does not repeat it",
    (proxy) => {
      const make = () => createLine({ nets: local, proxy });
      expect(make).toThrow(expect.objectContaining({ code: "proxy_invalid" }));
      expect(make).not.toThrow("secret");
    },
  );
});

function drip(socket: Socket, bytes: string): void {
  const timer = setInterval(() => socket.write(bytes), 10);
  socket.on("close", () => clearInterval(timer));
}
