import { createHash, createHmac } from "node:crypto";
import { z } from "zod";
import type { ApiClient } from "./api-client.ts";
import type { Article } from "./catalogue.ts";
import type { Mode } from "./outcome.ts";
import type { Target } from "./twin.ts";
import type { Voice } from "./voice.ts";

export type Setup = {
  readonly target: Target;
  /** what had to be made, in sentences */
  readonly made: readonly string[];
};

/**
 * Finds or makes what a simulated provider needs in a running Paybell: a connection whose secret we know, and
 * products for its articles. The secret follows from the owner key, so that the next run knows it again.
 * @param mode of the orders that will come
 * @param url where the server is reached from here; its public address may be another
 */
export async function setUp(
  api: ApiClient,
  { url, key }: { readonly url: string; readonly key: string },
  articles: readonly Article[],
  voice: Pick<Voice, "protocol" | "title" | "secretFor" | "productId" | "testsApart">,
  mode: Mode = "live",
): Promise<Setup> {
  const { protocol, title } = voice;
  const own: Mode = voice.testsApart ? mode : "live";
  const secret = voice.secretFor(createHmac("sha256", key).update("paybell simulated shop").digest("base64url"));
  const account = `simulated-${createHash("sha256").update(secret).digest("hex").slice(0, 12)}`;
  const made: string[] = [];
  const known = await findPage(
    api,
    `/v1/connections?direction=in&mode=${own}`,
    connection,
    (one) => one.protocol === protocol && one.provider_account === account && !one.disabled,
  );
  const shop = known ?? (await api.post("/v1/connections", newConnection(protocol, account, secret, own), connection));
  if (!known)
    made.push(`Made the connection "Simulated shop" (${title}${own === "test" ? ", for its test mode" : ""}).`);
  for (const article of articles) {
    const productId = voice.productId(article);
    const mapped = await findPage(api, "/v1/products", product, (one) =>
      one.sources.some((source) => source.protocol === protocol && source.product_id === productId),
    );
    if (mapped) continue;
    await api.post("/v1/products", newProduct(protocol, productId, article), product);
    made.push(
      `Made the product "${article.name}", which opens ${article.features.map((one) => `"${one}"`).join(" and ")}.`,
    );
  }
  const { pathname } = new URL(shop.url);
  return { target: { url: `${url}${pathname.slice(pathname.lastIndexOf("/in/"))}`, secret }, made };
}

function newConnection(protocol: string, account: string, secret: string, mode: Mode) {
  return {
    direction: "in",
    protocol,
    name: "Simulated shop",
    mode,
    provider_account: account,
    secrets: [secret],
  };
}

function newProduct(protocol: string, productId: string, { name, features }: Article) {
  return { name, features, sources: [{ protocol, product_id: productId }] };
}

const connection = z.object({
  url: z.url(),
  protocol: z.string(),
  provider_account: z.string(),
  disabled: z.boolean(),
});
const product = z.object({ sources: z.array(z.object({ protocol: z.string(), product_id: z.string() })) });

async function findPage<T>(
  api: ApiClient,
  path: string,
  schema: z.ZodType<T>,
  fits: (one: T) => boolean,
): Promise<T | undefined> {
  const pageSchema = z.object({ data: z.array(schema), next_cursor: z.string().nullable() });
  for (let cursor = ""; ; ) {
    const page = await api.get(`${path}${path.includes("?") ? "&" : "?"}limit=200${cursor}`, pageSchema);
    const found = page.data.find(fits);
    if (found !== undefined || page.next_cursor === null) return found;
    cursor = `&cursor=${page.next_cursor}`;
  }
}
