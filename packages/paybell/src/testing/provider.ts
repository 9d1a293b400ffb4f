import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer as createHttps } from "node:https";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { createAuthority } from "./certificate.ts";

export type Asked = {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
};

export type Told = { readonly status?: number; readonly body: string };

/** A provider as it is reached over the internet: its own host names, HTTPS, an answer of its own to each question. */
export type Provider = {
  /** for a server of ours: it finds the provider through a proxy and trusts its certificate */
  readonly env: { readonly PAYBELL_HTTP_PROXY: string; readonly NODE_EXTRA_CA_CERTS: string };
  readonly asked: Asked[];
  answer(how: (asked: Asked) => Told): void;
};

export async function startProvider(...hosts: readonly string[]): Promise<Provider> {
  const authority = createAuthority();
  const folder = mkdtempSync(join(tmpdir(), "paybell-provider-"));
  const authorityFile = join(folder, "ca.pem");
  writeFileSync(authorityFile, authority.cert);
  const asked: Asked[] = [];
  let how: (asked: Asked) => Told = () => ({ status: 500, body: "Nobody said what to answer." });

  const server = createHttps(authority.issue(hosts), (request, response) => {
    let body = "";
    request.setEncoding("latin1").on("data", (piece: string) => (body += piece));
    request.on("end", () => {
      const { authorization, host = "" } = request.headers;
      const one = { method: request.method ?? "", host, path: request.url ?? "", authorization, body };
      asked.push(one);
      const told = how(one);
      response.writeHead(told.status ?? 200).end(told.body);
    });
  });
  const port = await listening(server);
  const proxy = createHttp();
  proxy.on("connect", (request, socket) => {
    if (!hosts.some((host) => request.url === `${host}:443`)) {
      socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
      return;
    }
    const through = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.pipe(through).pipe(socket);
    });
    through.on("error", () => socket.destroy());
    socket.on("error", () => through.destroy());
  });
  const proxyPort = await listening(proxy);
  afterAll(() => {
    server.close();
    proxy.close();
    rmSync(folder, { recursive: true });
  });
  return {
    env: { PAYBELL_HTTP_PROXY: `http://127.0.0.1:${proxyPort}`, NODE_EXTRA_CA_CERTS: authorityFile },
    asked,
    answer: (next) => void (how = next),
  };
}

function listening(server: { listen(port: number, host: string, done: () => void): unknown; address(): unknown }) {
  return new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
  );
}
