import { readFile } from "node:fs/promises";
import { stripVTControlCharacters } from "node:util";
import { type CommandDef, renderUsage } from "citty";
import { type Command, plainOnPipes } from "./command.ts";
import { failure, wrongUsage } from "./failure.ts";
import { createOutput, sayFailure } from "./output.ts";

/** Each is loaded when it is called: the store's driver and the HTTP server are no matter of all of them. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import("./serve.ts")).serve,
  demo: async () => (await import("./demo.ts")).demo,
  simulate: async () => (await import("./simulate.ts")).simulate,
  verify: async () => (await import("./verify.ts")).verify,
  listen: async () => (await import("./listen.ts")).listen,
  replay: async () => (await import("./replay.ts")).replay,
  rebuild: async () => (await import("./rebuild.ts")).rebuild,
  doctor: async () => (await import("./doctor.ts")).doctor,
};

/**
 * The command `paybell`. Without the name of a command it serves.
 * @returns the exit code: 0, 1 when it failed, 2 when it was called wrongly
 */
export async function run(rawArgs: readonly string[]): Promise<number> {
  // Whoever reads us may leave early (`| head`); that is no failure of ours.
  process.stdout.on("error", () => process.exit(0));
  const output = createOutput(rawArgs.includes("--json"));
  try {
    const [first = "", ...rest] = rawArgs;
    if (["--version", "-v"].includes(first)) return write(await version());
    if (["help", "--help", "-h"].includes(first)) return write(await overview());
    const named = !first.startsWith("-") && first !== "";
    const name = named ? first : "serve";
    const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!load) {
      const names = Object.keys(commands).join(", ");
      throw wrongUsage("unknown_command", `There is no command "${name}". There are: ${names}.`);
    }
    const chosen = await load();
    const given = named ? rest : rawArgs;
    const end = given.indexOf("--");
    if ((end < 0 ? given : given.slice(0, end)).some((one) => one === "--help" || one === "-h"))
      return write(await chosen.usage());
    return await chosen.run(given, output);
  } catch (error) {
    return sayFailure(output, fromParser(error));
  }
}

/** The parser throws what it thinks of the arguments under codes of its own. */
function fromParser(error: unknown): unknown {
  const isParsers = error instanceof Error && error.name === "CLIError";
  return isParsers ? wrongUsage("wrong_usage", `${stripVTControlCharacters(error.message)}.`) : error;
}

async function overview(): Promise<string> {
  const all = await Promise.all(Object.values(commands).map((load) => load()));
  const subCommands = all.map(({ name, description }): [string, CommandDef] => [name, { meta: { name, description } }]);
  const root: CommandDef = {
    meta: { name: "paybell", version: await version(), description: "Payment notifications in, access out" },
    subCommands: Object.fromEntries(subCommands),
  };
  return plainOnPipes(await renderUsage(root));
}

async function version(): Promise<string> {
  const text = await readFile(new URL("../../package.json", import.meta.url), "utf8");
  const { version }: { version?: unknown } = JSON.parse(text);
  if (typeof version !== "string") throw failure("version_unknown", "The package does not say its version.");
  return version;
}

function write(text: string): 0 {
  process.stdout.write(`${text}\n`);
  return 0;
}
