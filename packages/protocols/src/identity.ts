/**
 * The text by which a fact is told from every other of the same provider account and mode.
 * Parts are joined so that no two lists give one text; short enough for a unique index whatever the ids hold.
 */
export function identityOf(kind: string, parts: readonly string[]): string {
  return [kind, ...parts].map((part) => part.replaceAll("%", "%25").replaceAll(":", "%3A")).join(":");
}
