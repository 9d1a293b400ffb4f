import type { AccessData, Answer, Outcome } from "../protocol.ts";
import { answerWithAccess, type OrderData } from "./access-answer.ts";

/**
 * Digistore24 counts a call as delivered when the status is 200 and the body begins with `OK`. Everything else is shown
 * to the vendor and repeated for ten days.
 * @param access is shown to the buyer below the `OK`
 * Source: Digistore24 "IPN", response
 */
export function answer(outcome: Outcome, access: readonly AccessData[] = []): Answer {
  switch (outcome) {
    case "stored":
      return text(200, answerWithAccess(orderData(access)));
    case "refused":
      return text(401, "ERROR: refused");
    case "unavailable":
      return text(503, "ERROR: not stored, please try again");
    default:
      return outcome satisfies never;
  }
}

function text(status: number, body: string): Answer {
  return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body };
}

/** An invoice is handed on to others, so nothing of it is shown there. Several products of one account share its login. */
function orderData(access: readonly AccessData[]): OrderData {
  const accounts = new Map(
    access
      .filter(({ email, loginUrl }) => email ?? loginUrl)
      .map(({ email = "", loginUrl = "" }) => [`${email}\0${loginUrl}`, { username: email, loginurl: loginUrl }]),
  );
  const own = access.flatMap(({ language, productName, licenceKey, downloadUrl }): [string, string][] => {
    const of = (label: string) => (access.length > 1 ? `${label} (${productName})` : label);
    return [
      ...(licenceKey ? [[of(words[language].licenceKey), licenceKey] satisfies [string, string]] : []),
      ...(downloadUrl ? [[of(words[language].download), downloadUrl] satisfies [string, string]] : []),
    ];
  });
  const [first] = access;
  if (!first || accounts.size + own.length === 0) return {};
  return { accounts: [...accounts.values()], headline: words[first.language].headline, hideOn: ["invoice"], own };
}

const words = {
  de: { headline: "Deine Zugangsdaten", licenceKey: "Dein Lizenzschlüssel", download: "Dein Download" },
  en: { headline: "Your access data", licenceKey: "Your licence key", download: "Your download" },
};
