/**
 * Reads a body whole, up to a limit. One that tells its length is read at once, which a Node server does far quicker
 * than by a stream; HTTP lets no more follow than was told.
 */
export async function readBody(
  request: Request,
  limitBytes: number,
): Promise<Uint8Array<ArrayBuffer> | "too_large" | "broken"> {
  const told = request.headers.get("content-length");
  if (Number(told ?? 0) > limitBytes) return "too_large";
  if (told !== null) {
    try {
      const body = new Uint8Array(await request.arrayBuffer());
      return body.length > limitBytes ? "too_large" : body;
    } catch {
      return "broken";
    }
  }
  if (!request.body) return new Uint8Array(0);
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    const reader = request.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > limitBytes) {
        // Not waited for: a sender that goes on sending must not hold back the answer.
        reader.cancel().catch(() => undefined);
        return "too_large";
      }
      pieces.push(value);
    }
  } catch {
    return "broken"; // the sender hung up; it will try again
  }
  const body = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    body.set(piece, offset);
    offset += piece.length;
  }
  return body;
}
