/** Numbers that look random and are the same for the same seed. */
export type Random = {
  /** from 0, below 1 */
  next(): number;
  /** from 0, below `limit` */
  below(limit: number): number;
  pick<T>(list: readonly [T, ...T[]]): T;
  /** text of letters from an alphabet */
  text(length: number, alphabet: string): string;
  shuffled<T>(list: readonly T[]): T[];
};

/** Source: mulberry32, T. Ettinger, public domain; good enough for stories, useless for secrets */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    below,
    pick: ([first, ...rest]) => rest[below(rest.length + 1) - 1] ?? first,
    text: (length, alphabet) => Array.from({ length }, () => alphabet[below(alphabet.length)]).join(""),
    shuffled(list) {
      const keyed = list.map((value) => ({ value, key: next() }));
      return keyed.toSorted((a, b) => a.key - b.key).map(({ value }) => value);
    },
  };
}
