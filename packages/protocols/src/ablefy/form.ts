import type { Values } from "../values.ts";

/**
 * Reads a form body whose names nest: `payer[email]`, `payments_schedule[][rate]`. In a list a new element begins when
 * a name repeats, as Ruby does it; PHP would begin one at every `[]`.
 * @returns undefined where it is not UTF-8
 */
export function readForm(body: Uint8Array): Values | undefined {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
  const root = empty();
  for (const [name, value] of new URLSearchParams(text)) put(root, name, value);
  return root;
}

type Nested = Record<string, unknown>;

/** Names that fit no shape, or contradict what stands already, are left out: they name nothing we read. */
function put(root: Nested, name: string, value: string): void {
  const match = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(name);
  const first = match?.[1];
  if (match === null || first === undefined) return;
  const rest = Array.from((match[2] ?? "").matchAll(/\[([^[\]]*)\]/g), ([, part = ""]) => part);
  if (rest.length > deepest) return;
  set(root, first, rest, value);
}

const deepest = 5;

function set(target: Nested, name: string, rest: readonly string[], value: string): void {
  const [next, ...further] = rest;
  if (next === undefined) {
    target[name] = value;
    return;
  }
  if (next !== "") {
    const inner = target[name] ?? (target[name] = empty());
    if (isNested(inner)) set(inner, next, further, value);
    return;
  }
  const list = target[name] ?? (target[name] = []);
  if (!Array.isArray(list)) return;
  const [field, ...deeper] = further;
  if (field === undefined) {
    list.push(value);
    return;
  }
  const last: unknown = list.at(-1);
  const element = isNested(last) && !(deeper.length === 0 && field in last) ? last : empty();
  if (element !== last) list.push(element);
  if (field !== "") set(element, field, deeper, value);
}

function isNested(value: unknown): value is Nested {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Without a prototype: every name is a field like any other. */
function empty(): Nested {
  return Object.create(null);
}
