import type { TargetRefusal } from "./nets.ts";

/** Why a call brought no answer, told to the seller: specific, and without secrets, addresses or bodies. */
export type Failure = { readonly code: FailureCode; readonly sentence: string };

export type FailureCode =
  | TargetRefusal["code"]
  | "header_invalid"
  | "dns_failed"
  | "connect_failed"
  | "tls_failed"
  | "proxy_failed"
  | "timed_out"
  | "connection_lost"
  | "answer_invalid"
  /** this process is stopping; says nothing about the receiver */
  | "line_closed";

/** An error that carries its failure, for code that can only pass errors on. */
export function failureError(failure: Failure): Error {
  // A code of its own: undici acts on some codes of the system's errors, and is left waiting for ever after one.
  return Object.assign(new Error(failure.sentence), { code: "CALL_FAILED", failure });
}

/** What went wrong after the connection was open; or the failure the error carries. */
export function explainCall(error: unknown): Failure {
  if (error instanceof Error && "failure" in error) return error.failure as Failure;
  const code = codeOf(error);
  // TLS 1.3 asks for the client's certificate after the client takes the connection as open.
  if (/^ERR_(SSL|TLS)_/.test(code)) return explainTls(error);
  if (code === "UND_ERR_HEADERS_OVERFLOW") {
    return { code: "answer_invalid", sentence: "The headers of the answer are longer than 16 KiB." };
  }
  if (code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") {
    return { code: "answer_invalid", sentence: "The answer is not as long as it says it is." };
  }
  // undici says "bad response" and "bad upgrade" of answers no request asked for, such as 101.
  const unasked = code === "UND_ERR_SOCKET" && error instanceof Error && error.message.startsWith("bad ");
  if (unasked || (error instanceof Error && error.name === "HTTPParserError")) {
    return { code: "answer_invalid", sentence: "What came back is not an answer in HTTP/1.1." };
  }
  return connectionLost;
}

export const connectionLost: Failure = {
  code: "connection_lost",
  sentence: "The connection broke before the answer was complete.",
};

export function explainDns(error: unknown): Failure {
  const code = codeOf(error);
  if (code === "ENOTFOUND" || code === "ENODATA") {
    return { code: "dns_failed", sentence: "The host name does not exist or has no address." };
  }
  if (code === "ETIMEOUT" || code === "EAI_AGAIN") {
    return { code: "dns_failed", sentence: "The name servers of the host name did not answer." };
  }
  return { code: "dns_failed", sentence: "The host name could not be resolved." };
}

export function explainConnect(error: unknown): Failure {
  const why: Record<string, string> = {
    ECONNREFUSED: "Nothing accepts connections on this port of the server.",
    ECONNRESET: "The server broke the connection off at once.",
    EHOSTUNREACH: "The server cannot be reached from here.",
    ENETUNREACH: "The server's network cannot be reached from here.",
    ETIMEDOUT: "The server did not answer the attempt to connect.",
  };
  return {
    code: "connect_failed",
    sentence: why[codeOf(error)] ?? "The connection to the server could not be opened.",
  };
}

export function explainTls(error: unknown): Failure {
  const code = codeOf(error);
  const sentence = certificateSentences[code] ?? handshakeSentence(code);
  return { code: "tls_failed", sentence };
}

function handshakeSentence(code: string): string {
  if (/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE|ALERT_UNKNOWN_CA|ALERT_CERTIFICATE/.test(code)) {
    return "The server did not accept the encrypted connection: it may want a client certificate, or another one.";
  }
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/.test(code)) return "The server does not speak TLS on this port.";
  if (/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION/.test(code)) return "The server speaks only TLS versions older than 1.2.";
  if (/UNRECOGNIZED_NAME/.test(code)) return "The server does not know this host name.";
  if (code === "ECONNRESET") return "The server broke the encrypted connection off while it was being opened.";
  return "No encrypted connection to the server could be made.";
}

const selfSigned = "The server's certificate is self-signed.";
const unknownIssuer = "The server's certificate comes from an authority that is not trusted.";

/** Node's names, after OpenSSL's X509_V_ERR_…; see "X509 certificate error codes" in Node's documentation of tls. */
const certificateSentences: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "The server's certificate has expired.",
  CERT_NOT_YET_VALID: "The server's certificate is not valid yet.",
  CERT_REVOKED: "The server's certificate was revoked.",
  ERR_TLS_CERT_ALTNAME_INVALID: "The server's certificate does not fit the host name.",
  DEPTH_ZERO_SELF_SIGNED_CERT: selfSigned,
  SELF_SIGNED_CERT_IN_CHAIN: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownIssuer,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "The server's certificate cannot be traced to a trusted authority: an intermediate certificate may be missing.",
};

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
