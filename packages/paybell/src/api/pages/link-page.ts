import type { Context as HonoContext, ErrorHandler } from "hono";
import { isUnavailable } from "../../db/pool.ts";
import { defaults } from "../../domain/settings.ts";
import type { Link } from "../../fulfil/link-rows.ts";
import { oneLine } from "../../fulfil/mails/clean.ts";
import type { House } from "../../house.ts";
import { answerError } from "../problem.ts";
import { pageLanguage } from "./language.ts";
import { type Page, pageResponse } from "./page.tsx";
import { type PageText, type PageTexts, pageTexts } from "./texts.ts";

type Visitor = Pick<Page, "language" | "shop"> & { readonly texts: PageTexts; readonly product: string };

/** In which language, and on whose behalf, a page speaks. @param link null: not known */
export function visitor(c: HonoContext, link: Link | null): Visitor {
  const language = pageLanguage(c.req.header("accept-language"), link?.account.settings.language ?? defaults.language);
  const shop = link ? oneLine(link.account.name, 120) : null;
  return { language, shop, texts: pageTexts[language], product: oneLine(link?.product?.name ?? shop ?? "", 120) };
}

export function show(
  { language, shop }: Visitor,
  status: number,
  text: PageText,
  more: Pick<Page, "button" | "leadsAway"> = {},
): Response {
  return pageResponse({ status, language, shop, ...text, ...more });
}

/** People get a page where programs get a problem. */
export function pageError(house: House): ErrorHandler {
  const answer = answerError(house);
  return (error, c) => {
    const problem = answer(error instanceof Error ? error : new Error("unknown"), c);
    const response = show(visitor(c, null), problem.status, visitor(c, null).texts.unavailable);
    if (isUnavailable(error)) response.headers.set("retry-after", "5");
    return response;
  };
}
