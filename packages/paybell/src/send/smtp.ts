import { createTransport } from "nodemailer";
import { isAddress, parseMailbox } from "./mailbox.ts";

export type MailMessage = {
  /** `Shop <hello@shop.example>` */
  readonly from: string;
  /** one address */
  readonly to: string;
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  /** with its angle brackets; the same at every attempt, so that a receiver can recognise a repeat */
  readonly messageId: string;
  readonly headers: { readonly [name: string]: string };
};

/** `permanent`: no later attempt can succeed with this recipient and this message. */
export type SendResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly permanent: boolean; readonly code: SendFailure; readonly sentence: string };

export type SendFailure =
  | "recipient_invalid"
  | "recipient_refused"
  | "message_refused"
  | "sender_invalid"
  | "smtp_sender_refused"
  | "smtp_relay_refused"
  | "smtp_auth_failed"
  | "smtp_tls_failed"
  | "smtp_deferred"
  | "smtp_refused"
  | "smtp_timeout"
  | "smtp_unreachable"
  | "smtp_failed";

export type MailTransport = {
  /** Hands one mail to the mail server. Never throws, and ends at its deadline whatever the server does. */
  send(message: MailMessage): Promise<SendResult>;
  /** Lets mails on their way finish and closes the connections. */
  close(): void;
};

export type MailTimes = {
  /** from the first packet to a connection, TLS included */
  readonly connectMs: number;
  /** until the server's first line */
  readonly greetingMs: number;
  /** silence in a running conversation */
  readonly silenceMs: number;
  /** one mail in all, also when the server answers a byte at a time */
  readonly deadlineMs: number;
};

/** Mails on their way at once, each over a connection of its own. */
export const mailConcurrency = 4;

/**
 * @param smtpUrl `smtp://user:password@host:587` (STARTTLS where offered) or `smtps://…:465`
 * @throws an Error with the code `smtp_url_invalid`; its message never holds the address, which holds a password
 */
export function createMailTransport(smtpUrl: string, times: MailTimes = usualTimes): MailTransport {
  const pool = createTransport({
    pool: true,
    url: checkedUrl(smtpUrl),
    maxConnections: mailConcurrency,
    // A mail whose connection broke in the middle is ours to repeat, at its own time.
    maxRequeues: 1,
    idleTimeout: 30_000,
    connectionTimeout: times.connectMs,
    dnsTimeout: times.connectMs,
    greetingTimeout: times.greetingMs,
    socketTimeout: times.silenceMs,
  });
  // Every send reports its own failure; without a listener an idle connection's error would end the process.
  pool.on("error", () => undefined);

  return {
    async send({ from, to, ...message }) {
      const sender = parseMailbox(from);
      if (!sender) return failed("sender_invalid", "The address mail is sent from is not a mail address.");
      if (!isAddress(to)) return bounced("recipient_invalid", "The recipient's address is not a mail address.");
      const deadline = AbortSignal.timeout(times.deadlineMs);
      try {
        await pool.sendMail({
          ...message,
          from: sender,
          to: { name: "", address: to },
          signal: deadline,
          // Nothing in a mail's text may read a file or an address from here.
          disableFileAccess: true,
          disableUrlAccess: true,
        });
        return { ok: true };
      } catch (error) {
        return deadline.aborted ? timedOut : explain(error);
      }
    },
    close: () => pool.close(),
  };
}

const usualTimes: MailTimes = { connectMs: 10_000, greetingMs: 10_000, silenceMs: 20_000, deadlineMs: 30_000 };

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === "smtp:" || url.protocol === "smtps:") && url.hostname !== "") return text;
  const sentence = "SMTP_URL must look like smtp://user:password@host:587 or smtps://user:password@host:465.";
  throw Object.assign(new Error(sentence), { code: "smtp_url_invalid" });
}

/** What nodemailer adds to its errors: its own code, and the server's reply to which command. */
type SmtpError = Error & {
  readonly code?: string;
  /** the system's or the TLS layer's */
  readonly originalCode?: string;
  readonly command?: string;
  readonly response?: string;
  readonly responseCode?: number;
};

/** A refusal of this recipient or this message is final; whatever the operator can put right is not. */
function explain(thrown: unknown): SendResult {
  const error: SmtpError = thrown instanceof Error ? thrown : new Error("Nothing is known about it.");
  const status = error.responseCode ?? 0;
  const said = `: ${serverWords(error.response)}`;
  if (authCodes.has(error.code ?? "") || authReplies.has(status)) {
    return failed("smtp_auth_failed", "The mail server did not accept our login. Check user and password in SMTP_URL.");
  }
  if (tlsCodes.test(error.code ?? "") || tlsCodes.test(error.originalCode ?? "")) {
    return failed("smtp_tls_failed", "No encrypted connection to the mail server could be made.");
  }
  if (error.code === "ETIMEDOUT") return timedOut;
  if (status >= 400 && status < 500) return failed("smtp_deferred", `The mail server asks to try again later${said}`);
  if (status >= 500) {
    if (error.command === "MAIL FROM") {
      return failed("smtp_sender_refused", `The mail server refuses our sender address${said}`);
    }
    if (error.command === "RCPT TO") {
      // A server that does not know us refuses every recipient alike; those must not be taken for dead mailboxes.
      return /relay|authenti|\bsender\b/i.test(error.response ?? "")
        ? failed("smtp_relay_refused", `The mail server does not send mail for us${said}`)
        : bounced("recipient_refused", `The recipient's address was refused${said}`);
    }
    if (error.code === "EMESSAGE" || error.command === "DATA") {
      return bounced("message_refused", `The mail was refused${said}`);
    }
    return failed("smtp_refused", `The mail server refused us${said}`);
  }
  if (error.code === "EENVELOPE") {
    return bounced("recipient_invalid", "The recipient's address cannot be written to through this mail server.");
  }
  if (unreachableCodes.has(error.code ?? "")) {
    return failed("smtp_unreachable", "The mail server could not be reached, or the connection to it broke.");
  }
  return failed("smtp_failed", "The mail could not be handed to the mail server.");
}

const authCodes = new Set(["EAUTH", "ENOAUTH", "EOAUTH2"]);
// RFC 4954, section 6
const authReplies = new Set([530, 534, 535, 538]);
// such as DEPTH_ZERO_SELF_SIGNED_CERT, ERR_TLS_CERT_ALTNAME_INVALID, UNABLE_TO_VERIFY_LEAF_SIGNATURE
const tlsCodes = /TLS|SSL|CERT|SIGNATURE|^EPROTO$/;
const unreachableCodes = new Set([
  "EDNS",
  "ECONNECTION",
  "ESOCKET",
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOTFOUND",
]);

const timedOut = failed("smtp_timeout", "The mail server did not answer in time.");

function failed(code: SendFailure, sentence: string): SendResult {
  return { ok: false, permanent: false, code, sentence };
}

function bounced(code: SendFailure, sentence: string): SendResult {
  return { ok: false, permanent: true, code, sentence };
}

/** The reply in one line, without the addresses servers like to repeat in it: this text is kept and shown. */
function serverWords(response: string | undefined): string {
  const line = (response ?? "").replace(/[\p{Cc}\s]+/gu, " ").replace(/\S+@\S+/gu, "…");
  return line.trim().slice(0, 200) || "no reason given";
}
