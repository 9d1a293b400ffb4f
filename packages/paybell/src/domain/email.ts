/** An address as it is compared: trimmed, case ignored. */
export function normaliseEmail(text: string): string {
  return text.trim().toLowerCase();
}
