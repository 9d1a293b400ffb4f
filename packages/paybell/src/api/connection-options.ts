import type { Protocol } from "@paybell/protocols/protocol";
import type { House } from "../house.ts";
import { openOptions, sealedOptionsFor } from "../receive/connections.ts";
import { problem } from "./problem.ts";

/** What a connection is set up with beside its secrets, by name. */
export type Options = Readonly<Record<string, string>>;

export type OptionRow = {
  readonly protocol: string;
  readonly options: Options;
  readonly options_sealed: Buffer | null;
};

/**
 * @param changes null takes one away
 * @throws the problem `invalid_request` for one the protocol does not know, or one it cannot do without
 */
export function checkedOptions(
  protocol: Protocol,
  before: Options,
  changes: Readonly<Record<string, string | null>>,
): (readonly [name: string, value: string, secret: boolean])[] {
  const known = protocol.options ?? [];
  const unknown = Object.keys(changes).find((name) => !known.some((option) => option.name === name));
  if (unknown !== undefined) {
    const names = known.map((option) => option.name).join(", ");
    throw refused(
      `options.${unknown}`,
      names ? `${protocol.name} knows ${names}` : `${protocol.name} knows no options`,
    );
  }
  const after = { ...before, ...changes };
  return known.flatMap((option) => {
    const { name, required, secret, description } = option;
    const value = after[name];
    const wrong = value == null ? undefined : option.fault?.(value);
    if (wrong !== undefined) throw refused(`options.${name}`, wrong);
    if (value != null) return [[name, value, secret] as const];
    if (required) throw refused(`options.${name}`, `is missing: ${description}`);
    return [];
  });
}

/** @returns the columns options and options_sealed */
export function storedOptions(
  { seal }: Pick<House, "seal">,
  connectionId: string,
  options: ReturnType<typeof checkedOptions>,
): [plain: Options, sealed: Buffer | null] {
  const which = (wanted: boolean) =>
    Object.fromEntries(options.filter(([, , secret]) => secret === wanted).map(([name, value]) => [name, value]));
  const secret = which(true);
  const none = Object.keys(secret).length === 0;
  return [which(false), none ? null : seal.seal(JSON.stringify(secret), sealedOptionsFor(connectionId))];
}

export function openedOptions(
  { seal }: Pick<House, "seal">,
  connectionId: string,
  { options, options_sealed }: Pick<OptionRow, "options" | "options_sealed">,
): Options {
  return { ...options, ...openOptions(seal, connectionId, options_sealed) };
}

function refused(path: string, message: string) {
  return problem(422, "invalid_request", `${path}: ${message.replace(/\.$/, "")}.`, { errors: [{ path, message }] });
}
