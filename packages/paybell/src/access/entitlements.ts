import type { Instant } from "@paybell/protocols/domain/day";
import type { FeatureConfig, Product } from "../domain/product.ts";
import type { ItemState } from "../ledger/fold.ts";
import { accessAt, type Standing, type StandingWord } from "./access.ts";

/** One item of a customer, with what it was mapped to. */
export type HeldItem = {
  readonly itemId: string;
  readonly orderId: string;
  readonly product: Product;
  readonly state: ItemState;
};

/** What a customer may use, from all items that give it. */
export type Entitlement = {
  readonly feature: string;
  readonly open: boolean;
  readonly word: StandingWord;
  /** first instant without it; null: no end, or not open */
  readonly until: Instant | null;
  /** numeric features: how many */
  readonly limit: number | null;
  readonly because: readonly {
    readonly itemId: string;
    readonly orderId: string;
    readonly rule: string;
    readonly facts: readonly string[];
  }[];
};

/**
 * The union over all items: a feature is lost only with the last item that gives it. Of several limits the
 * largest counts, unless the feature is marked as adding up.
 * Source: docs/rules.md, R4, R14, R22, R23
 */
export function entitlementsAt(items: readonly HeldItem[], at: Instant): Entitlement[] {
  const held = items.map((item) => ({ item, standing: accessAt(item.state, at) }));
  const features = new Map<string, Grant[]>();
  for (const { item, standing } of held) {
    const replaced = isReplaced(item, held);
    for (const feature of featuresOf(item)) {
      const open = standing.open && feature.open && !replaced;
      const grants = features.get(feature.name) ?? [];
      grants.push({
        ...feature,
        open,
        word: replaced ? "ended" : feature.open ? standing.word : "pending",
        item,
        standing,
      });
      features.set(feature.name, grants);
    }
  }
  return [...features]
    .map(([feature, grants]) => union(feature, grants))
    .toSorted((a, b) => (a.feature < b.feature ? -1 : 1));
}

/** Items that rest because an upgrade is open. */
export function replacedAt(items: readonly HeldItem[], at: Instant): Set<string> {
  const held = items.map((item) => ({ item, standing: accessAt(item.state, at) }));
  return new Set(items.filter((item) => isReplaced(item, held)).map((item) => item.itemId));
}

type Grant = Feature & { word: StandingWord; item: HeldItem; standing: Standing };
type Feature = { name: string; open: boolean; limit: number | null; addsUp: boolean };

/** An upgrade: the old item rests while the new one is open, and counts again when the new one is given back. */
function isReplaced(item: HeldItem, held: readonly { item: HeldItem; standing: Standing }[]): boolean {
  return held.some(
    (other) =>
      other.standing.open &&
      other.item.itemId !== item.itemId &&
      other.item.product.config.replaces.includes(item.product.id) &&
      begin(other.item) >= begin(item),
  );
}

function begin({ state }: HeldItem): Instant {
  return Math.min(...state.spans.map((span) => span.from));
}

function featuresOf({ product, state }: HeldItem): Feature[] {
  return product.config.features.flatMap((config): Feature[] => {
    if (typeof config === "string" && config.includes("{n}")) {
      return state.positions.map((n) => ({
        name: config.replaceAll("{n}", String(n)),
        open: true,
        limit: null,
        addsUp: false,
      }));
    }
    if (typeof config === "string") return [{ name: config, open: true, limit: null, addsUp: false }];
    const opensAt = config.opens_at_payment;
    return [
      {
        name: config.name,
        open: opensAt === undefined || state.positions.includes(opensAt),
        limit: limitOf(config, state),
        addsUp: config.adds_up ?? false,
      },
    ];
  });
}

function limitOf(config: Exclude<FeatureConfig, string>, state: ItemState): number | null {
  if (config.limit === undefined) return null;
  return config.limit === "quantity" ? state.quantity : config.limit;
}

function union(feature: string, grants: readonly Grant[]): Entitlement {
  const open = grants.filter((grant) => grant.open);
  const endless = open.some(({ standing }) => standing.until === null);
  const longest =
    (endless
      ? open.find(({ standing }) => standing.until === null)
      : open.toSorted((a, b) => (b.standing.until ?? 0) - (a.standing.until ?? 0))[0]) ?? grants[0]!;
  const limits = open.flatMap(({ limit }) => (limit === null ? [] : [limit]));
  const addsUp = open.some((grant) => grant.addsUp);
  return {
    feature,
    open: open.length > 0,
    word: longest.word,
    until: longest.open ? longest.standing.until : null,
    limit: limits.length === 0 ? null : addsUp ? limits.reduce((sum, limit) => sum + limit, 0) : Math.max(...limits),
    because: (open.length > 0 ? open : grants).flatMap(({ item, standing }) =>
      standing.because.map((reason) => ({ itemId: item.itemId, orderId: item.orderId, ...reason })),
    ),
  };
}
