import { stripVTControlCharacters } from "node:util";
import { type ArgsDef, type CommandDef, parseArgs, renderUsage } from "citty";
import { wrongUsage } from "./failure.ts";
import type { Output } from "./output.ts";

export type Flag = {
  readonly type: "string" | "boolean";
  readonly description: string;
  /** what stands in its place in the help */
  readonly valueHint?: string;
  /** read where the flag is not given */
  readonly env?: string;
  /** of a boolean that is on by itself: what `--no-…` then does */
  readonly negated?: string;
};

export type Flags = Readonly<Record<string, Flag>>;

export type Positional = { readonly name: string; readonly description: string; readonly many?: true };

/** What a command was given: text where there is any, never empty text. */
export type Given<F extends Flags> = {
  readonly flags: { readonly [K in keyof F]: F[K]["type"] extends "boolean" ? boolean : string | undefined };
  readonly positionals: readonly string[];
  readonly output: Output;
};

export type Command = {
  readonly name: string;
  readonly description: string;
  usage(): Promise<string>;
  /** @returns the exit code @throws Failure */
  run(rawArgs: readonly string[], output: Output): Promise<number>;
};

/** A command with its flags; `--json` and `--help` come with it, and what it does not know it refuses. */
export function command<const F extends Flags>(spec: {
  readonly name: string;
  readonly description: string;
  readonly positionals?: readonly Positional[];
  readonly flags: F;
  run(given: Given<F>): Promise<number>;
}): Command {
  const { name, description, positionals = [] } = spec;
  const flags: Flags = { ...spec.flags, json: { type: "boolean", description: "one JSON object per line" } };
  const definition: CommandDef = { meta: { name, description }, args: definitions(flags, positionals) };
  return {
    name,
    description,
    usage: () => renderUsage(definition, { meta: { name: "paybell" } }).then(plainOnPipes),
    run(rawArgs, output) {
      const parsed: Readonly<Record<string, unknown>> & { readonly _: readonly string[] } = parseArgs(
        [...rawArgs],
        definitions(flags, []),
      );
      const unknown = Object.keys(parsed).find((key) => key !== "_" && !Object.hasOwn(flags, kebab(key)));
      if (unknown !== undefined)
        throw wrongUsage("unknown_flag", `There is no flag ${dashed(unknown)}: see "paybell ${name} --help".`);
      const extra = positionals.at(-1)?.many ? undefined : parsed._[positionals.length];
      if (extra !== undefined)
        throw wrongUsage("unexpected_argument", `"${extra}" is one argument too many: see "paybell ${name} --help".`);
      const values = Object.entries(flags).map(([key, flag]) => [key, valueOf(key, flag, parsed[key])]);
      return spec.run({ flags: Object.fromEntries(values), positionals: parsed._, output });
    },
  };
}

/** Terminals get colours; files and pipes get text. */
export function plainOnPipes(text: string): string {
  return process.stdout.isTTY ? text : stripVTControlCharacters(text);
}

function definitions(flags: Flags, positionals: readonly Positional[]): ArgsDef {
  const named = positionals.map(({ name, description }): [string, ArgsDef[string]] => [
    name,
    { type: "positional", description, required: false },
  ]);
  const dashed = Object.entries(flags).map(([name, flag]): [string, ArgsDef[string]] => {
    const description = flag.env ? `${flag.description} (${flag.env})` : flag.description;
    if (flag.type === "boolean") return [name, { type: "boolean", description, ...negatable(flag.negated) }];
    return [name, { type: "string", description, valueHint: flag.valueHint ?? "text" }];
  });
  return Object.fromEntries([...named, ...dashed]);
}

function negatable(negativeDescription: string | undefined): object {
  return negativeDescription === undefined ? {} : { negativeDescription, default: true };
}

function valueOf(name: string, flag: Flag, given: unknown): string | boolean | undefined {
  if (flag.type === "boolean") return given === true;
  const last: unknown = Array.isArray(given) ? given.at(-1) : given;
  if (last === "") throw wrongUsage("flag_without_value", `--${name} needs a value.`);
  if (typeof last === "string") return last;
  return (flag.env === undefined ? undefined : process.env[flag.env]) || undefined;
}

/** The parser keeps every spelling of a flag: `api-key` and `apiKey` are the same one. */
function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function dashed(key: string): string {
  return key.length === 1 ? `-${key}` : `--${kebab(key)}`;
}
