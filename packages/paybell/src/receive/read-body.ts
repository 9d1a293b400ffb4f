/** Reads a body whole, up to a limit, without trusting `Content-Length`. */
export async function readBody(
  request: Request,
  limitBytes: number,
): Promise<Uint8Array<ArrayBuffer> | "too_large" | "broken"> {
  if (Number(request.headers.get("content-length") ?? 0) > limitBytes) return "too_large";
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
