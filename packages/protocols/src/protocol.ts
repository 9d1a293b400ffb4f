import type { Instant } from "./domain/day.ts";
import type { Mode, Reading } from "./domain/fact.ts";

/** A notification as it came in. */
export type Incoming = {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  /** bytes exactly as received; re-encoding breaks the signature */
  readonly body: Uint8Array<ArrayBuffer>;
};

export type RefusalCode =
  | "signature_missing"
  | "signature_malformed"
  | "signature_mismatch"
  | "secret_missing"
  | "secret_malformed"
  | "id_missing"
  | "id_malformed"
  | "timestamp_missing"
  | "timestamp_malformed"
  | "timestamp_too_old"
  | "timestamp_too_new"
  /** meant for somebody else, or for another connection */
  | "recipient_mismatch"
  /** the provider, asked, says it is not his */
  | "denied_by_provider"
  /** its form is not this protocol's */
  | "not_this_protocol";

export type Verdict =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: RefusalCode /** for the operator, never for the sender */;
      readonly sentence: string;
    }
  | Undecided;

/** Neither good nor bad before the provider has been asked: it is kept, and nothing acts on it. */
export type Undecided = {
  readonly ok: false;
  readonly code: "undecided";
  readonly sentence: string;
  /** what to ask; its reply is handed in with the next call of `verify`, behind those before */
  readonly ask: Enquiry;
  /** the last reply said nothing (a page of an error, a time-out): it is left out, and the same is asked again later */
  readonly again?: true;
};

/** A request to the provider, which whoever runs the protocol makes. */
export type Enquiry = {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** its reply holds something secret, such as a token: it is forgotten when the verdict is there */
  readonly secret?: true;
};

export type Reply = { readonly status: number; readonly body: Uint8Array<ArrayBuffer> };

/** What is known of a connection beside its secrets. */
export type Known = {
  /** as in the protocol's `options` */
  readonly options?: Readonly<Record<string, string>>;
  /** of the connection: never what a message says of itself */
  readonly mode?: Mode;
  /** to the enquiries made so far, in order */
  readonly replies?: readonly Reply[];
};

/** Something a connection is set up with beside its secrets: an API key, the seller's address at the provider. */
export type Option = {
  readonly name: string;
  readonly required: boolean;
  /** kept sealed and never shown again */
  readonly secret: boolean;
  /** what it is and where it is found, in one sentence */
  readonly description: string;
  /** @returns a sentence that says what is wrong with it; undefined: it can be used */
  readonly fault?: (value: string) => string | undefined;
};

export type Parsed =
  | { readonly ok: true; readonly reading: Reading }
  | { readonly ok: false; readonly code: string; readonly sentence: string };

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** What became of a notification; the protocol chooses the answer. */
export type Outcome = "stored" | "refused" | "unavailable";

/** What a provider shows the buyer of one product, right after the purchase. */
export type AccessData = {
  readonly language: "de" | "en";
  readonly productName: string;
  /** the buyer's address, where it opens the account */
  readonly email?: string;
  /** opens the account, or leads to where the buyer logs in */
  readonly loginUrl?: string;
  readonly licenceKey?: string;
  readonly downloadUrl?: string;
};

/** One provider. All functions are pure and never throw. */
export interface Protocol {
  readonly name: string;
  readonly options?: readonly Option[];
  /** Who makes up the secret. Absent: the seller, who enters it at the provider; nobody: others prove its messages. */
  readonly secretBy?: "provider" | "nobody";
  /** characters a secret may have at most, where the provider takes no long ones */
  readonly secretLength?: number;
  /** The same bytes may come again and mean something new, as where they hold nothing but an id to ask about. */
  readonly repeatsTell?: true;
  /** Checks the notification against every active secret. Runs before anything is parsed. */
  verify(incoming: Incoming, secrets: readonly string[], now: Instant, known?: Known): Promise<Verdict>;
  /** Reads the facts from the bytes. @param known as it was when it was verified */
  parse(body: Uint8Array, known?: Known): Parsed;
  /** The provider shows the buyer what stands in the answer, and waits for it. */
  readonly showsAccess?: true;
  /** The answer this provider understands. @param access to be shown to the buyer; empty: nothing, or not yet */
  answer(outcome: Outcome, access?: readonly AccessData[]): Answer;
  /** The same bytes without the person: money, dates and order numbers stay. */
  redact(body: Uint8Array, known?: Known): Uint8Array;
  /** The same of a reply to an enquiry; absent: as the body. */
  redactReply?(reply: Uint8Array): Uint8Array;
  /** Headers that hold the secret itself: they are not kept. In lower case. */
  readonly secretHeaders?: readonly string[];
  /** Where the secret stands in the body: the same bytes without it, which is what is kept and parsed. */
  withoutSecret?(body: Uint8Array): Uint8Array<ArrayBuffer>;
  /** A call that only asks whether anybody is there, made when an address is saved: it is answered and forgotten. */
  isProbe?(method: string, body: Uint8Array): boolean;
}
