/** One product of a payment, and what it weighs in it. */
export type Line = {
  readonly productId: string;
  readonly productName?: string;
  readonly quantity?: number;
  /** its price in minor units; undefined where the message names none */
  readonly weight: bigint | undefined;
};

export type Share = Omit<Line, "weight"> & { readonly minor: bigint };

/**
 * Splits a payment among its products in proportion to their prices, so that the parts make up the whole to the last
 * cent whatever shipping, tax or discount lies between. Lines of one product are one. Where a price is missing, or all
 * of them are nothing, each product gets the same.
 * @param whole minor units, not negative
 */
export function split(lines: readonly Line[], whole: bigint): Share[] {
  const merged = new Map<string, Line>();
  for (const line of lines) {
    const known = merged.get(line.productId);
    merged.set(line.productId, known ? join(known, line) : line);
  }
  const products = [...merged.values()];
  const priced = products.every(({ weight }) => weight !== undefined && weight >= 0n);
  const weights = products.map(({ weight }) => (priced ? (weight ?? 0n) : 1n));
  const total = weights.reduce((sum, weight) => sum + weight, 0n);
  let [weightSoFar, minorSoFar] = [0n, 0n];
  return products.map((product, at) => {
    // What remains of the rounding falls where the running sum says.
    weightSoFar += total === 0n ? 1n : (weights[at] ?? 0n);
    const upTo = (whole * weightSoFar) / (total === 0n ? BigInt(products.length) : total);
    const minor = upTo - minorSoFar;
    minorSoFar = upTo;
    return { ...named(product), minor };
  });
}

/** The product without what it weighs. */
export function named({ productId, productName, quantity }: Line): Omit<Line, "weight"> {
  return { productId, ...(productName && { productName }), ...(quantity !== undefined && { quantity }) };
}

function join(a: Line, b: Line): Line {
  const productName = a.productName ?? b.productName;
  const weight = a.weight === undefined || b.weight === undefined ? undefined : a.weight + b.weight;
  return {
    productId: a.productId,
    ...(productName && { productName }),
    ...((a.quantity ?? b.quantity) !== undefined && { quantity: (a.quantity ?? 1) + (b.quantity ?? 1) }),
    weight,
  };
}
