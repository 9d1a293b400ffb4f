import { z } from "zod";

/** Lists are read in pages; the cursor is the id of the last row seen. */
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.uuid().optional(),
});

export function pageOf<T extends z.ZodType>(row: T) {
  return z.object({
    data: z.array(row),
    /** pass it as `cursor` to read on; null: that was all */
    next_cursor: z.string().nullable(),
  });
}

/** @param rows up to one more than `limit`, which tells that there is a next page */
export function page<R extends { readonly id: string }>(
  rows: readonly R[],
  limit: number,
): { rows: R[]; next_cursor: string | null } {
  const shown = rows.slice(0, limit);
  return { rows: shown, next_cursor: rows.length > limit ? shown.at(-1)!.id : null };
}
