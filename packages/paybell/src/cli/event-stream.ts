/** One message of server-sent events. */
export type StreamMessage = {
  /** of the last id that was said, which is where to go on */
  readonly id: string;
  readonly event: string;
  readonly data: string;
};

/** `id` alone: no message, but the place to go on from; empty where there is none yet. */
export type StreamPart = StreamMessage | { readonly id: string };

/**
 * Reads server-sent events until the stream ends, and throws when it breaks off. Lines end as our server ends them, and
 * as proxies might, not with a lone carriage return.
 * @param silenceMs after which it is taken for broken: our server says something every 15 seconds
 * Source: HTML Standard, "Server-sent events"
 */
export async function* readEventStream(
  body: ReadableStream<Uint8Array>,
  silenceMs = 45_000,
): AsyncGenerator<StreamPart, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let id = "";
  let event = "";
  let data: string[] = [];
  try {
    for (;;) {
      const chunk = await withinSilence(reader.read(), silenceMs);
      if (chunk.done) return;
      const lines = (rest + decoder.decode(chunk.value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines.map((one) => one.replace(/\r$/, ""))) {
        const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
        if (name === "id") id = value;
        else if (name === "event") event = value;
        else if (name === "data") data.push(value);
        else if (line === "") {
          if (data.length > 0) yield { id, event, data: data.join("\n") };
          else yield { id };
          event = "";
          data = [];
        }
      }
    }
  } finally {
    // Whoever stops reading hangs up.
    await reader.cancel().catch(() => undefined);
  }
}

async function withinSilence<T>(read: Promise<T>, silenceMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("The stream fell silent.")), silenceMs);
  });
  try {
    return await Promise.race([read, silence]);
  } finally {
    clearTimeout(timer);
  }
}
