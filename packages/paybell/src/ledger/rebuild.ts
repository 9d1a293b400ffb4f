/** What a recomputation found. */
export type RebuildReport = {
  readonly notifications: number;
  readonly items: number;
  /** none, on a healthy system */
  readonly differences: readonly { readonly what: string; readonly id: string; readonly sentence: string }[];
};
