import { createPaybell } from "../paybell.ts";
import { command } from "./command.ts";
import { commandLog, readStoreSettings, storeFlags } from "./settings.ts";

export const rebuild = command({
  name: "rebuild",
  description: "Recompute ledger and access from the kept notifications and compare; writes and sends nothing",
  flags: storeFlags,
  async run({ flags, output }) {
    const paybell = await createPaybell({ ...readStoreSettings(flags), log: commandLog() });
    try {
      const { notifications, items, differences } = await paybell.rebuild();
      for (const { what, id, sentence } of differences) {
        output.say(`✗ ${sentence}`);
        output.data({ type: "difference", what, id, sentence });
      }
      const found =
        differences.length === 0
          ? "no differences"
          : `${differences.length} ${differences.length === 1 ? "difference" : "differences"}`;
      output.say(`${notifications} notifications, ${items} items, ${found}`);
      output.data({ type: "rebuilt", notifications, items, differences: differences.length });
      return differences.length === 0 ? 0 : 1;
    } finally {
      await paybell.stop();
    }
  },
});
