/**
 * Text from outside as one line that can do no harm in a mail: no line breaks, no control or direction-changing
 * characters, no half characters, no more than `length` characters.
 */
export function oneLine(text: string, length: number): string {
  return shorten(withoutControls(text).replace(/\s+/gu, " ").trim(), length);
}

/** The same for text of several paragraphs, which blank lines separate. */
export function paragraphsOf(text: string): string[] {
  return withoutControls(text.replace(/\r\n?/g, "\n"))
    .split(/\n[^\S\n]*(?:\n\s*)?\n/u)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== "");
}

/**
 * A first name to greet with. Checkouts let anybody type anything for any address, so a "name" that carries a web or
 * mail address is somebody using the shop's mail to advertise, and is left out.
 */
export function greetable(name: string | undefined): string {
  const line = oneLine(name ?? "", 60);
  return /[:/@\\]|www\.|\.[a-z]{2,}\b/i.test(line) ? "" : line;
}

/** The address when it can be opened in a browser and nothing else: no `javascript:`, no `data:`. */
export function webAddress(text: string): string | undefined {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : undefined;
  } catch {
    return undefined; // not an address at all
  }
}

function withoutControls(text: string): string {
  // Cc except tab and line feed; direction overrides and isolates, with which "exe.fdp" reads as "pdf.exe".
  return text
    .replace(/\p{Cs}/gu, "\u{FFFD}")
    .replace(/[^\P{Cc}\t\n\r]/gu, "")
    .replace(/[\u{200E}\u{200F}\u{202A}-\u{202E}\u{2066}-\u{2069}\u{FEFF}]/gu, "");
}

function shorten(text: string, length: number): string {
  const characters = Array.from(text);
  return characters.length <= length
    ? text
    : `${characters
        .slice(0, length - 1)
        .join("")
        .trimEnd()}…`;
}
