import type { Instant } from "@paybell/protocols/domain/day";
import type { AccessData } from "@paybell/protocols/protocol";
import type { PoolClient } from "pg";
import type { Entitlement } from "../access/entitlements.ts";
import { accessAt } from "../access/access.ts";
import type { Context } from "../context.ts";
import { dayOf, startOfDay, whenDay } from "../domain/calendar.ts";
import { normaliseEmail } from "../domain/email.ts";
import type { MailContent } from "../domain/mail.ts";
import { defaults } from "../domain/settings.ts";
import { type Computed, foldSettings } from "../ledger/compute.ts";
import type { Held } from "../ledger/held-rows.ts";
import type { Effect } from "./effects.ts";
import type { Licences } from "./licence-rows.ts";
import { type MadeLink, makeLinks, type NewLink } from "./links.ts";
import { type QueuedMail, queueMails } from "./mail-rows.ts";
import { isShown, madeCustomer, writeShown } from "./shown.ts";
import { chooseLanguage } from "./mails/language.ts";
import { renderMail } from "./mails/render.tsx";

/**
 * Writes the mails that changes of items ask for, with the links they carry.
 * @returns `done`, by item: the effects now done, mailed or rightly not mailed; `written`: the rows are on their way
 */
export function handOver(
  context: Context,
  tx: Pick<PoolClient, "query">,
  computed: readonly Computed[],
  licences: Licences,
  entitlements: ReadonlyMap<string, readonly Entitlement[]>,
  replaced: ReadonlySet<string>,
  /** every item of the customers */
  held: readonly Held[],
): { done: Map<string, string[]>; written: Promise<unknown> } {
  const done = new Map<string, string[]>();
  const wanted: { item: Computed; effect: Effect }[] = [];
  for (const item of computed) {
    const effects = [...item.effects, ...lateKey(item, licences)];
    done.set(
      item.held.id,
      effects.map(({ key }) => key),
    );
    for (const effect of effects)
      if (isMailed(item, effect, entitlements.get(item.held.customer.id) ?? [], replaced.has(item.held.id)))
        wanted.push({ item, effect });
  }
  return {
    done,
    written: Promise.all([mail(context, tx, wanted, licences), show(context, tx, wanted, licences, held)]),
  };
}

/** What the provider shows the buyer is ready before the mail is read: links of its own, so that using one leaves the other. */
async function show(
  context: Context,
  tx: Pick<PoolClient, "query">,
  wanted: readonly { item: Computed; effect: Effect }[],
  licences: Licences,
  held: readonly Held[],
): Promise<void> {
  const shown = wanted.filter(({ item, effect }) => isWelcome(effect) && isShown(item.held));
  const links = shown.map(({ item, effect }) => {
    const opens = madeCustomer(
      item.held,
      held.filter((other) => other.customer.id === item.held.customer.id),
    );
    return linksWanted(item, effect).filter(({ kind }) => opens || kind !== "login");
  });
  const { made, written } = makeLinks(context, tx, links.flat());
  const data = shown.map(({ item }, index): AccessData => {
    const urls = new Map(links[index]!.map(({ kind }) => [kind, made.shift()!.url]));
    const { order, product, account } = item.held;
    const loginUrl = urls.get("login") ?? product!.config.login?.url;
    const downloadUrl = urls.get("download");
    const licenceKey = licences.of.get(item.held.id)?.key;
    return {
      language: chooseLanguage(order.buyer, account.settings.language ?? defaults.language),
      productName: product!.name,
      ...(urls.has("login") && { email: order.contactEmail }),
      ...(loginUrl !== undefined && { loginUrl }),
      ...(licenceKey && { licenceKey }),
      ...(downloadUrl !== undefined && { downloadUrl }),
    };
  });
  await Promise.all([
    written,
    writeShown(
      context,
      tx,
      shown.map(({ item }, index) => ({ item: item.held, at: item.now, data: data[index]! })),
    ),
  ]);
}

function isWelcome({ mail: kind }: Effect): boolean {
  return kind === "access_data" || kind === "trial";
}

/** Sends the access data of an item again, with new links. */
export async function handOverAgain(
  context: Context,
  tx: Pick<PoolClient, "query">,
  item: Computed,
  licences: Licences,
): Promise<void> {
  const standing = accessAt(item.state, item.now);
  const effect: Effect = { key: "again", mail: "access_data", at: item.now, state: item.state, standing };
  await mail(context, tx, [{ item, effect }], licences);
}

async function mail(
  context: Context,
  tx: Pick<PoolClient, "query">,
  wanted: readonly { item: Computed; effect: Effect }[],
  licences: Licences,
): Promise<void> {
  const links = wanted.map(({ item, effect }) => linksWanted(item, effect));
  const { made, written } = makeLinks(context, tx, links.flat());
  const queued = queueMails(
    context,
    tx,
    wanted.map(({ item, effect }, index): QueuedMail => {
      const own = links[index]!.map((link) => ({ link, made: made.shift()! }));
      const content = contentOf(context, item, effect, licences, own);
      const { held } = item;
      const test = held.mode === "test";
      return {
        accountId: held.accountId,
        mode: held.mode,
        itemId: held.id,
        kind: effect.mail,
        recipient: test ? (held.account.settings.test_email ?? null) : held.order.contactEmail,
        intendedFor: test ? held.order.contactEmail : null,
        language: content.language,
        needsAccess: effect.mail === "access_data" || effect.mail === "trial" || effect.mail === "licence_key",
        at: item.now,
        from: held.account.settings.mail_from ?? null,
        mail: renderMail(content),
      };
    }),
  );
  await Promise.all([written, queued]);
}

/** The key that followed after the pool was filled: its own mail, unless the access data carry it. */
function lateKey(item: Computed, licences: Licences): Effect[] {
  const licence = licences.of.get(item.held.id);
  const welcomed = item.held.effects.some((key) => key === "access_data" || key === "trial");
  if (!licence?.fresh || !welcomed || item.held.effects.includes("licence_key")) return [];
  return [
    {
      key: "licence_key",
      mail: "licence_key",
      at: item.now,
      state: item.state,
      standing: accessAt(item.state, item.now),
    },
  ];
}

function isMailed(
  { held, now, state }: Computed,
  effect: Effect,
  entitlements: readonly Entitlement[],
  replaced: boolean,
): boolean {
  if (held.customer.erased || !held.product || held.product.config.mails[effect.mail] === false) return false;
  const welcome = isWelcome(effect);
  // What happened before the product was mapped is not told one by one; the access data are.
  if (!welcome && held.quietBefore !== null && effect.at < held.quietBefore) return false;
  // An upgrade stands in its place: what becomes of the old plan is no news to the buyer.
  if (replaced && ["access_paused", "access_back", "payment_failed"].includes(effect.mail)) return false;
  if (effect.mail === "access_paused" || effect.mail === "access_back") {
    const names = held.product.config.features.map((feature) => (typeof feature === "string" ? feature : feature.name));
    const elsewhere = (name: string) =>
      entitlements.some(
        (one) => one.feature === name && one.open && one.because.some((reason) => reason.itemId !== held.id),
      );
    return names.length === 0 || !names.every(elsewhere);
  }
  return !welcome || accessAt(state, now).open;
}

function linksWanted({ held, now }: Computed, effect: Effect): NewLink[] {
  if (!isWelcome(effect)) return [];
  const { login, download } = held.product!.config;
  const base = {
    accountId: held.accountId,
    mode: held.mode,
    itemId: held.id,
    customerId: held.customer.id,
    email: normaliseEmail(held.order.contactEmail),
    at: now,
  };
  return [
    ...(login ? [{ ...base, kind: "login" as const, validDays: login.valid_days }] : []),
    ...(download ? [{ ...base, kind: "download" as const, validDays: download.valid_days }] : []),
  ];
}

function contentOf(
  context: Context,
  item: Computed,
  effect: Effect,
  licences: Licences,
  links: readonly { link: NewLink; made: MadeLink }[],
): MailContent {
  const { held } = item;
  const { zone } = foldSettings(context, held);
  const { standing, state } = effect;
  const product = held.product!;
  const login = links.find(({ link }) => link.kind === "login")?.made;
  const download = links.find(({ link }) => link.kind === "download")?.made;
  const showsKey = effect.mail === "access_data" || effect.mail === "trial" || effect.mail === "licence_key";
  const licence = showsKey ? licences.of.get(held.id) : undefined;
  const activations = product.config.licence?.activations;
  const trial = state.spans.find((span) => span.kind === "trial");
  const endsOn = standing.word === "trial" ? (trial?.until ?? null) : standing.until;
  // A plan that goes on has no end to announce; what is paid is.
  const runs =
    standing.open &&
    (standing.word === "active" || standing.word === "overdue") &&
    state.plan !== "once" &&
    !state.complete;
  return {
    kind: effect.mail,
    language: chooseLanguage(held.order.buyer, held.account.settings.language ?? defaults.language),
    shop: { name: held.account.name },
    product: { name: product.name, mails: product.config.mails },
    buyer: held.order.buyer.firstName ? { firstName: held.order.buyer.firstName } : {},
    orderId: held.order.id,
    timeZone: zone,
    ...(effect.amount && { amount: effect.amount }),
    ...((!runs || effect.mail === "payment_failed") && standing.open && { until: shownEnd(endsOn, zone) }),
    ...(state.paidThrough && (runs || !standing.open) && { paidThrough: whenDay(state.paidThrough, zone) }),
    ...(state.rates.total !== null &&
      state.plan === "instalments" && { rates: { paid: state.rates.paid, total: state.rates.total } }),
    ...(effect.pausedBecause && { pausedBecause: effect.pausedBecause }),
    ...(effect.mail === "refunded" && { accessRemains: standing.open }),
    ...(licence && {
      licence: {
        key: licence.key,
        ...(activations !== undefined && { activations: activations * Math.max(1, state.quantity) }),
      },
    }),
    ...(login && { login }),
    ...(download && { download: { url: download.url, validUntil: download.validUntil } }),
  };
}

/** An end at midnight is said as the last day with access. */
function shownEnd(end: Instant | null, zone: string): NonNullable<MailContent["until"]> | null {
  if (end === null) return null;
  const last = dayOf(end - 1, zone);
  return startOfDay(dayOf(end, zone), zone) === end ? { day: last } : { at: end };
}
