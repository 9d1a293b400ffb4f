import type { InConnection } from "./connections.ts";

/** What a person sees who opens a connection's address in a browser. */
export async function works(request: Request, find: () => Promise<InConnection | undefined>): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("Send notifications by POST", {
      status: 405,
      headers: { allow: "POST, GET", "content-type": "text/plain; charset=utf-8" },
    });
  }
  const german = /^\s*de\b/i.test(request.headers.get("accept-language") ?? "");
  const connection = await find().catch(() => "away" as const);
  const [status, words] =
    connection === "away" ? ([503, away] as const) : connection ? ([200, found] as const) : ([404, missing] as const);
  return new Response(german ? words.de : words.en, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  });
}

const found = {
  en: "This works. Payment notifications sent here by POST are received.\n",
  de: "Das funktioniert. Zahlungsbenachrichtigungen, die per POST hierher gesendet werden, kommen an.\n",
};

const away = {
  en: "Temporarily unavailable. Please try again in a moment.\n",
  de: "Vorübergehend nicht erreichbar. Bitte versuchen Sie es gleich noch einmal.\n",
};

const missing = {
  en: "No connection has this address. Copy it again from your connection.\n",
  de: "Zu dieser Adresse gibt es keine Verbindung. Kopieren Sie sie noch einmal aus Ihrer Verbindung.\n",
};
