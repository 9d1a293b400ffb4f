/** One value in the distinguished encoding rules of ASN.1. */
export type Value = {
  readonly tag: number;
  readonly content: Uint8Array<ArrayBuffer>;
  /** tag and length included: what is signed, or handed on as it is */
  readonly whole: Uint8Array<ArrayBuffer>;
};

/**
 * Reads the values that stand side by side.
 * @returns undefined for what is not DER: a length that reaches too far, is longer than it needs to be or left open, or a
 *          tag of more than one byte, which no certificate has
 * Source: ITU-T X.690, sections 8.1 and 10.1
 */
export function readValues(bytes: Uint8Array<ArrayBuffer>): Value[] | undefined {
  const values: Value[] = [];
  for (let at = 0; at < bytes.length; ) {
    const value = readValue(bytes.subarray(at));
    if (!value) return undefined;
    values.push(value);
    at += value.whole.length;
  }
  return values;
}

/** The values inside a value of this tag; undefined where it is another, or holds anything else. */
export function inside(value: Value | undefined, tag: number): Value[] | undefined {
  return value?.tag === tag ? readValues(value.content) : undefined;
}

export const tags = {
  integer: 0x02,
  bitString: 0x03,
  objectId: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

function readValue(bytes: Uint8Array<ArrayBuffer>): Value | undefined {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  let [length, start] = [first, 2];
  if (first >= 0x80) {
    const size = first - 0x80;
    if (size === 0 || size > 3) return undefined;
    length = 0;
    for (const byte of bytes.subarray(2, 2 + size)) length = length * 256 + byte;
    start += size;
    if (length < 0x80 || length < 256 ** (size - 1)) return undefined;
  }
  if (start + length > bytes.length) return undefined;
  return { tag, content: bytes.subarray(start, start + length), whole: bytes.subarray(0, start + length) };
}
