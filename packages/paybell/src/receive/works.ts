import type { InConnection } from "./connections.ts";

/** What a person sees who opens a connection's address in a browser. */
export function works(request: Request, connection: InConnection | undefined): Response {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("Send notifications by POST", {
      status: 405,
      headers: { allow: "POST, GET", "content-type": "text/plain; charset=utf-8" },
    });
  }
  const german = /^\s*de\b/i.test(request.headers.get("accept-language") ?? "");
  const [status, text] = connection
    ? ([200, german ? found.de : found.en] as const)
    : ([404, german ? missing.de : missing.en] as const);
  return new Response(text, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  });
}

const found = {
  en: "This works. Payment notifications sent here by POST are received.\n",
  de: "Das funktioniert. Zahlungsbenachrichtigungen, die per POST hierher gesendet werden, kommen an.\n",
};

const missing = {
  en: "No connection has this address. Copy it again from your connection.\n",
  de: "Zu dieser Adresse gibt es keine Verbindung. Kopieren Sie sie noch einmal aus Ihrer Verbindung.\n",
};
