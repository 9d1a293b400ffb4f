import { type CopecartLine, type CopecartMessage, carries, type FieldType, fields, lineFields } from "./fields.ts";

export type RenderOptions = {
  /** `text` writes "119.0" as captured from CopeCart, `number` writes 119 as its document prints it */
  readonly money: "text" | "number";
  /** what becomes of a field of the event that has no value */
  readonly missing: "null" | "omit";
};

/**
 * Writes one IPN. Sign these bytes, send these bytes, and keep them for every repeat.
 * Fields the event does not carry are left out.
 * @throws when a decimal is not written as one
 * Source: captured messages; CopeCart "IPN" 1.6.7
 */
export function render(sale: CopecartMessage, options: RenderOptions): Uint8Array<ArrayBuffer> {
  const carried = fields.filter((field) => carries(sale.event_type, field));
  // The sender escapes what could end a script block. Outside texts JSON has none of the three.
  const escaped = object(carried, sale, options).replace(/[&<>]/g, (sign) => escapes[sign] ?? sign);
  return new TextEncoder().encode(escaped);
}

const escapes: Readonly<Record<string, string>> = { "&": "\\u0026", "<": "\\u003c", ">": "\\u003e" };

type Named = { readonly name: string; readonly type: FieldType };

function object(table: readonly Named[], values: Readonly<Record<string, unknown>>, options: RenderOptions): string {
  const members = table.flatMap(({ name, type }) => {
    const value = values[name];
    if (value !== null && value !== undefined) return [`${JSON.stringify(name)}:${written(type, value, options)}`];
    return options.missing === "null" ? [`${JSON.stringify(name)}:null`] : [];
  });
  return `{${members.join(",")}}`;
}

function written(type: FieldType, value: unknown, options: RenderOptions): string {
  if (type === "dec") return decimal(value, options.money);
  if (type !== "lines" || !Array.isArray(value)) return JSON.stringify(value);
  return `[${value.map((line: CopecartLine) => object(lineFields, line, options)).join(",")}]`;
}

/** Moves characters only, so that no amount passes through a float. */
function decimal(value: unknown, money: RenderOptions["money"]): string {
  const match = typeof value === "string" ? /^(-?)0*(\d+?)(?:\.(\d*?)0*)?$/.exec(value) : null;
  if (!match) throw new Error('amount_malformed: A decimal of a CopeCart message has to be text such as "119.0".');
  if (money === "text") return JSON.stringify(value);
  return `${match[1]}${match[2]}${match[3] ? `.${match[3]}` : ""}`;
}
