import { expect, test } from "vitest";
import { api, freePort, type Server, serve, storeFolder, untilAsync } from "../testing/server.ts";
import { type Asked, startProvider } from "../testing/provider.ts";

/* What only the provider can prove, with a provider at its own host name, over TLS. */

const provider = await startProvider("ipnpb.paypal.com", "api.mollie.com");
const server: Server = await serve(storeFolder(), await freePort(), provider.env);

type Shown = {
  id: string;
  verdict: string;
  state: string;
  reason: string | null;
  sentence: string | null;
  order_id: string | null;
};

test("an IPN is asked about with its very bytes, and acts only when PayPal has confirmed it", async () => {
  const connection = await connect("paypal-ipn", { receiver: "verkauf@example.com" });
  await product("paypal-ipn", "600100", "pottery");
  // As no program would print it again: the order, the + and the charset are PayPal's.
  const body = sale({ email: "j%F6rg%40example.com", name: "J%F6rg", more: "&charset=windows-1252" });
  let isUp = false;
  provider.answer(() => (isUp ? { body: "VERIFIED" } : { status: 503, body: "<html>Sorry</html>" }));
  expect(await post(connection, body)).toEqual([200, ""]);

  const waiting = await notification(connection, ({ sentence }) => sentence?.includes("503") ?? false);
  expect(waiting).toMatchObject({ verdict: "unverified", state: "waiting", reason: "not_verified_yet" });
  expect(await allowed("jörg@example.com", "pottery")).toBe(false);
  const [asked] = provider.asked.splice(0);
  expect(asked).toMatchObject({
    method: "POST",
    host: "ipnpb.paypal.com",
    path: "/cgi-bin/webscr",
    body: `cmd=_notify-validate&${body}`,
  });

  isUp = true;
  await untilAsync(() => allowed("jörg@example.com", "pottery"));
  expect(await notification(connection, () => true)).toMatchObject({ verdict: "verified", state: "applied" });
  // A repeat is known: nobody is asked again.
  const times = provider.asked.length;
  expect(await post(connection, body)).toEqual([200, ""]);
  await replay(waiting.id);
  expect(provider.asked).toHaveLength(times);
});

test("an IPN PayPal denies changes nothing, and the seller sees why; sent again genuinely, it counts", async () => {
  const connection = await connect("paypal-ipn", { receiver: "verkauf@example.com" });
  await product("paypal-ipn", "600200", "glaze");
  const body = sale({ email: "mara%40example.de", name: "Mara", product: "600200", txn: "9F5" });
  provider.answer(() => ({ body: "INVALID" }));
  expect(await post(connection, body)).toEqual([200, ""]);
  const refused = await notification(connection, ({ verdict }) => verdict === "refused");
  expect(refused).toMatchObject({ state: "ignored", reason: "denied_by_provider" });
  expect(await allowed("mara@example.de", "glaze")).toBe(false);
  provider.answer(() => ({ body: "VERIFIED" }));
  expect(await post(connection, body)).toEqual([200, ""]);
  await untilAsync(() => allowed("mara@example.de", "glaze"));
});

test("an IPN meant for somebody else is refused at once, and nobody is asked", async () => {
  const connection = await connect("paypal-ipn", { receiver: "somebody@example.com" });
  const times = provider.asked.length;
  const [status] = await post(connection, sale({ email: "kim%40example.com", name: "Kim", txn: "A77" }));
  expect(status).toBe(403);
  expect((await notification(connection, () => true)).reason).toBe("recipient_mismatch");
  expect(provider.asked).toHaveLength(times);
});

test("a call that holds an id alone is news each time: the payment, then its refund", async () => {
  const connection = await connect("mollie", { api_key: "test_aKeyForTests0123456789012345678901" });
  await product("mollie", "course", "clay");
  const payment = (more: object) => ({
    resource: "payment",
    id: "tr_7UhSN1zuXS",
    mode: "live",
    status: "paid",
    createdAt: "2026-11-20T10:00:00+00:00",
    paidAt: "2026-11-20T10:01:00+00:00",
    amount: { value: "97.00", currency: "EUR" },
    description: "Clay course",
    metadata: { order_id: "M-1", product_id: "course", email: "petra@example.com" },
    ...more,
  });
  let state: object = payment({});
  provider.answer(({ path, authorization }: Asked) =>
    authorization === "Bearer test_aKeyForTests0123456789012345678901" && path.startsWith("/v2/payments/tr_7UhSN1zuXS")
      ? { body: JSON.stringify(state) }
      : { status: 404, body: "{}" },
  );
  expect((await post(connection, "id=tr_7UhSN1zuXS"))[0]).toBe(200);
  await untilAsync(() => allowed("petra@example.com", "clay"));
  const refund = {
    resource: "refund",
    id: "re_4qqhO89gsT",
    status: "refunded",
    paymentId: "tr_7UhSN1zuXS",
    amount: { value: "97.00", currency: "EUR" },
    createdAt: "2026-11-21T10:00:00+00:00",
  };
  state = payment({ amountRefunded: { value: "97.00", currency: "EUR" }, _embedded: { refunds: [refund] } });
  expect((await post(connection, "id=tr_7UhSN1zuXS"))[0]).toBe(200);
  await untilAsync(async () => !(await allowed("petra@example.com", "clay")));
});

test("a connection that lacks what its protocol needs is not made, and a key is never shown again", async () => {
  await expect(connect("paypal-ipn", {})).rejects.toThrow(/options\.receiver: is missing/);
  await expect(connect("copecart", { api_key: "x" })).rejects.toThrow(/copecart knows no options/);
  await expect(connect("standard-webhooks", { mapping: "{" })).rejects.toThrow(/options\.mapping: /);
  const made = await connect("mollie", { api_key: "test_anotherKeyForTests" });
  const shown = await api<{ options: Record<string, string> }>(server.base, "GET", `/v1/connections/${made.id}`);
  expect(shown.options).toEqual({ api_key: "set" });
});

test("a secret is made here only where the seller may choose it, and no longer than the provider takes", async () => {
  const made = (protocol: string) =>
    api<{ id: string; secret?: string }>(server.base, "POST", "/v1/connections", { protocol, name: protocol });
  expect((await made("copecart")).secret).toMatch(/^[\w-]{43}$/);
  expect((await made("lemonsqueezy")).secret).toMatch(/^[\w-]{40}$/);
  const { id, secret } = await made("stripe");
  expect(secret).toBeUndefined();
  const path = `/v1/connections/${id}/secrets`;
  await expect(api(server.base, "POST", path, {})).rejects.toThrow(/stripe makes the secret itself/);
  await api(server.base, "POST", path, { secret: "whsec_ofStripe" });
});

function sale(of: { email: string; name: string; product?: string; txn?: string; more?: string }): string {
  const { email, name, product: item = "600100", txn = "61E67681CH3238416", more = "" } = of;
  return (
    `mc_gross=119.00&payment_date=09%3A15%3A30+Nov+20%2C+2026+PST&payment_status=Completed&first_name=${name}` +
    `&payer_email=${email}&txn_id=${txn}&item_name=Grundkurs&item_number=${item}&quantity=1&mc_currency=EUR` +
    `&txn_type=web_accept&business=verkauf%40example.com&receiver_email=verkauf%40example.com${more}`
  );
}

async function connect(protocol: string, options: object): Promise<{ id: string; url: string }> {
  return api(server.base, "POST", "/v1/connections", { protocol, name: protocol, options });
}

async function product(protocol: string, product_id: string, feature: string): Promise<void> {
  await api(server.base, "POST", "/v1/products", {
    name: feature,
    features: [feature],
    sources: [{ protocol, product_id }],
  });
}

async function post({ url }: { url: string }, body: string): Promise<[number, string]> {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const response = await fetch(url, { method: "POST", headers, body: Buffer.from(body, "latin1") });
  return [response.status, await response.text()];
}

/** The newest of a connection, as soon as it is so. */
async function notification({ id }: { id: string }, is: (one: Shown) => boolean): Promise<Shown> {
  let found: Shown | undefined;
  await untilAsync(async () => {
    const { data } = await api<{ data: Shown[] }>(server.base, "GET", `/v1/notifications?connection_id=${id}`);
    found = data[0];
    return found !== undefined && is(found);
  });
  return found!;
}

async function replay(id: string): Promise<void> {
  await api(server.base, "POST", `/v1/notifications/${id}/replay`);
}

async function allowed(email: string, feature: string): Promise<boolean> {
  const query = new URLSearchParams({ email, feature });
  return (await api<{ allowed: boolean }>(server.base, "GET", `/v1/access?${query}`)).allowed;
}
