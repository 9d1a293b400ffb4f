import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { createPaybell, type Paybell } from "../paybell.ts";
import { command } from "./command.ts";
import { type Listening, listen } from "./server.ts";
import {
  commandLog,
  listenFlags,
  nameOfStore,
  readListenSettings,
  readStoreSettings,
  storeFlags,
  type StoreSettings,
} from "./settings.ts";
import type { Output } from "./output.ts";
import { listenForSignals } from "./signals.ts";

export const serve = command({
  name: "serve",
  description: "Receive notifications, grant access, send mail; without a command's name this is what runs",
  flags: {
    ...listenFlags,
    ...storeFlags,
    "api-key": {
      type: "string",
      description: "owner key; made and shown once if missing",
      valueHint: "pb_live_…",
      env: "PAYBELL_API_KEY",
    },
  },
  async run({ flags, output }) {
    const settings = readStoreSettings(flags);
    const place = readListenSettings(flags);
    const apiKey = flags["api-key"];
    const signals = listenForSignals();
    // The port first: a key that is made is shown once, and must not be lost to a port that is taken.
    const door = openDoor();
    const listening = await listen(door, place);
    try {
      const publicUrl = settings.publicUrl ?? listening.url;
      const log = commandLog();
      const paybell = await createPaybell({ ...settings, publicUrl, log, ...(apiKey !== undefined && { apiKey }) });
      try {
        await paybell.start();
        door.open(paybell);
        announce(output, { listening, settings, publicUrl, newApiKey: paybell.newApiKey });
        const signal = await signals.asked;
        output.say(`${signal}: finishing what is under way …`);
        paybell.endStreams();
        await listening.close();
      } finally {
        await paybell.stop();
      }
    } finally {
      await listening.close();
      signals.release();
    }
    output.say("Stopped.");
    output.data({ type: "stopped" });
    return 0;
  },
});

/** Answers 503 until there is somebody to answer; senders try again. */
export function openDoor(): Pick<Paybell, "fetch"> & { open(paybell: Pick<Paybell, "fetch">): void } {
  let behind: Pick<Paybell, "fetch"> | undefined;
  return {
    open: (paybell) => void (behind = paybell),
    async fetch(request) {
      return behind?.fetch(request) ?? new Response("Starting", { status: 503, headers: { "retry-after": "1" } });
    },
  };
}

function announce(
  output: Output,
  {
    listening,
    settings,
    publicUrl,
    newApiKey,
  }: { listening: Listening; settings: StoreSettings; publicUrl: string; newApiKey: string | null },
): void {
  const first = firstSale(listening, newApiKey);
  output.say(
    `Paybell listens on ${listening.url}${publicUrl === listening.url ? "" : `, and the world reaches it at ${publicUrl}`}`,
  );
  output.say(`  Data       ${nameOfStore(settings)}`);
  output.say(`  API        ${listening.url}/v1, described in ${listening.url}/openapi.json`);
  output.say(
    settings.smtpUrl === undefined
      ? "  Mail       NOT SENT: mails are kept and shown only. Set SMTP_URL to send them."
      : `  Mail       through ${new URL(settings.smtpUrl).host}`,
  );
  if (newApiKey !== null) {
    output.say();
    output.say(`  Owner key  ${newApiKey}`);
    output.say("             Shown this once. Keep it as PAYBELL_API_KEY.");
  }
  output.say();
  output.say("First sale, in another terminal:");
  output.say();
  output.say(`  ${first}`);
  output.say();
  output.data({
    type: "listening",
    url: listening.url,
    public_url: publicUrl,
    host: listening.host,
    port: listening.port,
    data: nameOfStore(settings),
    new_api_key: newApiKey,
    mail: settings.smtpUrl === undefined ? "kept" : "sent",
    first_sale: first,
  });
}

/** A command that runs as it stands, in the folder the server was started in. */
function firstSale({ url }: Listening, newApiKey: string | null): string {
  const address = url === "http://127.0.0.1:8787" ? "" : ` --url ${url}`;
  return `${ourCommand()} simulate copecart one-time${address} --key ${newApiKey ?? "<your owner key>"}`;
}

function ourCommand(): string {
  const here = process.cwd();
  if (existsSync(join(here, "node_modules", ".bin", "paybell"))) return "npx paybell";
  return `node ${relative(here, fileURLToPath(new URL("../../bin/paybell.js", import.meta.url)))}`;
}
