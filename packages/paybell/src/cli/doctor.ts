import { stat } from "node:fs/promises";
import { join } from "node:path";
import { command } from "./command.ts";
import {
  checkFolder,
  checkMail,
  checkMasterKey,
  checkNode,
  checkPublicUrl,
  checkStore,
  type Finding,
  unreachable,
} from "./doctor-checks.ts";
import { commandLog, readStoreSettings, storeFlags } from "./settings.ts";
import { isServer, keyFileOf, openStore } from "./store.ts";

export const doctor = command({
  name: "doctor",
  description: "Look at everything Paybell needs, and say what to do about what is wrong",
  flags: storeFlags,
  async run({ flags, output }) {
    const { "public-url": publicUrl, ...rest } = flags;
    // A wrong public address is something to report here, not a reason to refuse.
    const settings = readStoreSettings({ ...rest, "public-url": undefined });
    let isWell = true;
    const report = (...findings: readonly Finding[]) => {
      for (const { what, state, sentence } of findings) {
        isWell &&= state !== "bad";
        output.say(`${{ good: "✓", note: "!", bad: "✗" }[state]} ${what.padEnd(12)}${sentence}`);
        output.data({ type: "finding", what, state, sentence });
      }
    };
    report(checkNode(process.versions.node));
    if (settings.database !== "memory") report(...(await checkFolder(settings.dataFolder)));
    const { finding, key } = await checkMasterKey(settings.masterKey, keyFileOf(settings));
    report(finding);
    if (isServer(settings.database) || (await wasUsed(settings.database))) report(...(await lookInside(settings, key)));
    report(checkPublicUrl(publicUrl), await checkMail(settings.smtpUrl));
    output.say();
    output.say(isWell ? "All is well." : "Something is wrong: see the lines with ✗.");
    output.data({ type: "examined", well: isWell });
    return isWell ? 0 : 1;
  },
});

async function lookInside(settings: ReturnType<typeof readStoreSettings>, key: Buffer | undefined): Promise<Finding[]> {
  try {
    const store = await openStore(settings, commandLog());
    try {
      return await checkStore(store.pool, key);
    } finally {
      await store.close();
    }
  } catch (error) {
    return [unreachable(error)];
  }
}

/** Opening an embedded store makes one; whoever only looks must not. */
async function wasUsed(folder: string): Promise<boolean> {
  const marks = await Promise.all(
    ["postgres", "master.key"].map((name) => stat(join(folder, name)).catch(() => undefined)),
  );
  return marks.some((mark) => mark !== undefined);
}
