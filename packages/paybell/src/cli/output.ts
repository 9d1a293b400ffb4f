import { explain } from "./failure.ts";

/**
 * Where a command writes its result: lines for a person, or with `--json` one JSON object per line. Each thing is
 * said in both ways, and the reader gets one of them.
 */
export type Output = {
  /** a line for a person */
  say(line?: string): void;
  /** the same for a program; `type` names what it is */
  data(value: { readonly type: string; readonly [name: string]: unknown }): void;
  readonly json: boolean;
};

export function createOutput(json: boolean): Output {
  return {
    json,
    say: (line = "") => void (json || process.stdout.write(`${line}\n`)),
    data: (value) => void (json && process.stdout.write(`${JSON.stringify(value)}\n`)),
  };
}

/** Says why a command failed. @returns its exit code */
export function sayFailure(output: Output, thrown: unknown): 1 | 2 {
  const { code, sentence, exit } = explain(thrown);
  output.data({ type: "failure", code, sentence });
  process.stderr.write(`paybell: ${sentence.replace(/\s+/g, " ")} (${code})\n`);
  return exit;
}
