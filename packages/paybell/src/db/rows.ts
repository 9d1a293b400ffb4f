/** Rows to columns, as `unnest($1::uuid[], $2::text[] …)` takes them. */
export function transpose(rows: readonly (readonly unknown[])[]): unknown[][] {
  return (rows[0] ?? []).map((_, column) => rows.map((row) => row[column]));
}
