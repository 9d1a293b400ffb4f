/** What the answer to a sale may carry, for Digistore24 to show to the buyer. */
export type OrderData = {
  /** sends the buyer there after the purchase */
  readonly thankyouUrl?: string;
  readonly accounts?: readonly Account[];
  /** title above the data */
  readonly headline?: string;
  readonly showOn?: "all" | readonly Place[];
  readonly hideOn?: "none" | readonly Place[];
  /** shown as they are, in this order */
  readonly own?: readonly (readonly [label: string, value: string])[];
};

export type Account = { readonly username?: string; readonly password?: string; readonly loginurl?: string };

export type Place = "invoice" | "receipt_page" | "order_confirmation_email";

/**
 * The text of a positive answer that carries order data: `OK`, then one `name: value` a line. The same data give the same
 * text. What is empty is left out; a label that is Digistore24's own word is put in quotes, and one given twice is
 * numbered.
 * Source: Digistore24 "IPN", passing access data
 */
export function answerWithAccess(data: OrderData): string {
  const accounts = (data.accounts ?? []).map((account) => accountLines(account)).filter((lines) => lines.length > 0);
  const lines: Pair[] = [
    ["thankyou_url", line(data.thankyouUrl ?? "")],
    ...accounts.flatMap((own, n) => own.map(([name, value]): Pair => [n === 0 ? name : `${name}_${n + 1}`, value])),
    ["headline", line(data.headline ?? "")],
    ["show_on", places(data.showOn)],
    ["hide_on", places(data.hideOn)],
    ...ownLines(data.own ?? []),
  ];
  return ["OK", ...lines.filter(([, value]) => value !== "").map(([name, value]) => `${name}: ${value}`)].join("\n");
}

type Pair = readonly [name: string, value: string];

function accountLines({ username = "", password = "", loginurl = "" }: Account): Pair[] {
  return Object.entries({ username, password, loginurl })
    .map(([name, value]): Pair => [name, line(value)])
    .filter(([, value]) => value !== "");
}

function ownLines(own: readonly Pair[]): Pair[] {
  const used = new Set<string>();
  return own.map(([label, value]): Pair => {
    const plain = line(label.replaceAll(":", " ")) || "-";
    const name = reserved.test(plain) ? `"${plain}"` : plain;
    let numbered = name;
    for (let n = 2; used.has(numbered); n += 1) numbered = `${name} ${n}`;
    used.add(numbered);
    return [numbered, line(value)];
  });
}

const reserved = /^(thankyou_url|headline|show_on|hide_on|(username|password|loginurl)(_\d+)?)$/i;

function places(on: string | readonly Place[] | undefined): string {
  return typeof on === "string" ? on : (on ?? []).join(", ");
}

/** A line break inside a value would begin a new pair. */
function line(text: string): string {
  return text.replace(/[\r\n\v\f\u0085\u2028\u2029]+/g, " ").trim();
}
