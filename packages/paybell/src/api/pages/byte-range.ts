/**
 * Reads `Range` for something of `size` bytes.
 * @returns the first and last byte; `all` where it is absent or a form we answer with everything, as the standard
 * allows; `none` where nothing of what is asked exists
 * Source: RFC 9110, 14.1.2 and 14.2
 */
export function byteRange(header: string | null, size: number): { first: number; last: number } | "all" | "none" {
  const parts = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "");
  const [from, to] = [parts?.[1] ?? "", parts?.[2] ?? ""];
  if (from === "" && to === "") return "all";
  if (from === "") {
    const length = Math.min(Number(to), size);
    return length === 0 ? "none" : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  const last = to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== "" && Number(to) < first) return "all";
  return first >= size ? "none" : { first, last };
}
