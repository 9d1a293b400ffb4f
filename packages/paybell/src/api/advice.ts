import type { AttemptRecord } from "../send/outcome.ts";

/** What the seller can do about how a test went. */
export function adviceOn({ code, status }: Pick<AttemptRecord, "code" | "status">, protocol: string): string {
  if (code === null) return "It arrived. There is nothing to do.";
  const sentence = byCode[code];
  if (sentence !== undefined) return sentence;
  if (code === "answer_unexpected")
    return expected[protocol] ?? "Let the receiver answer with a status from 200 to 299.";
  if (status === 401 || status === 403)
    return "The receiver does not let us in: check that it has this connection's secret, and whether it needs a header.";
  if (status === 404 || status === 405)
    return "The receiver does not know this address: check its path, and that it takes POST.";
  if (status !== null && status >= 500) return "The receiver failed at it: look into its log for this moment.";
  if (status !== null) return "The receiver refused it: its log, or what it answered, says why.";
  return "Test again in a moment; if it stays so, look into the receiver's log.";
}

/** Of formats that want more than a status. */
const expected: Readonly<Record<string, string>> = {
  copecart: "Let the receiver answer with status 200 and the body OK, and nothing else in it.",
  digistore24: "Let the receiver answer with status 200 and a body that begins with OK.",
};

const byCode: Readonly<Record<string, string>> = {
  dns_failed: "Check the host name in the address, and that it is known to the public name servers.",
  connect_failed: "Check the port, that the receiver runs, and that no firewall keeps us out.",
  tls_failed:
    "Put the receiver's certificate right, or give the connection the client certificate it asks for, or the authority that signed the receiver's.",
  proxy_failed: "The operator of this server must look after its proxy.",
  timed_out: "Let the receiver answer before it does its work, or allow it more time with timeout_seconds.",
  connection_lost: "Look into the receiver's log: it broke the connection off without an answer.",
  answer_invalid: "Check that the address leads to a web server and not to another service.",
  address_not_public: "Use a public address, or have the operator open its range with PAYBELL_ALLOW_NETS.",
  https_required: "Use an address that begins with https://.",
  redirected: "Enter the address it leads to: redirects are not followed.",
  gone: "The receiver wants nothing any more. If that is a mistake, put it right there before the next delivery.",
  too_many: "Lower the connection's rate, or raise the receiver's limit.",
  header_invalid: "Change or remove the header.",
  secret_missing: "Give the connection a new secret.",
  content_unreadable: "Start the server with the master key under which the connection was made.",
  not_renderable: "Give the connection a new secret; if it stays so, tell the operator of this server.",
};
