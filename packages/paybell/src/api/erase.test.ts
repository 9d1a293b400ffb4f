import { expect, test, vi } from "vitest";
import { startReceiver } from "../testing/receiver.ts";
import { gate, type Node, openWorld, until, type World } from "../testing/sending.ts";
import { eraseCustomer } from "./erase.ts";

const kim = { email: "kim@example.com", first_name: "Kim" };
const lee = { email: "lee@example.com", first_name: "Lee" };

/** A customer with one order, kim@example.com. @returns the id, and how to erase the person as a node would */
async function buyer(world: World) {
  const item = await world.item();
  const [row] = await world.sql<{ customer_id: string }>("select customer_id from item where id = $1", [item]);
  const { customer_id: id } = row!;
  return { id, erase: (node: Node) => eraseCustomer(node.context, world.accountId, id, world.now()) };
}

test("what addresses answered to events of the person is forgotten, and nothing else of the proof", async () => {
  const world = await openWorld();
  const { id, erase } = await buyer(world);
  const receiver = await startReceiver();
  receiver.answer(({ body }) => ({ body: `Thank you for ${body}` }));
  await world.address(receiver.url);
  const node = world.node();
  await node.publish(
    { data: { customer_id: id, buyer: kim } },
    { data: { buyer: { ...kim, email: "KIM@example.com" } } },
    { data: { buyer: lee } },
  );
  await node.lanes.settle();
  await erase(node);
  const attempts = await world.attempts();
  expect(attempts).toHaveLength(3);
  expect(attempts.every(({ status, total_ms }) => status === 200 && total_ms > 0)).toBe(true);
  const answers = attempts.flatMap(({ answer }) => answer ?? []);
  expect(answers).toHaveLength(1);
  expect(answers[0]).toContain("lee@example.com");
});

test("events are found by customer, by order and by address in any spelling, and lose what they say of the person", async () => {
  const world = await openWorld();
  const { id, erase } = await buyer(world);
  const [order] = await world.sql<{ order_id: string }>("select order_id from orders where customer_id = $1", [id]);
  const node = world.node();
  await node.publish(
    { orderKey: id, data: { customer_id: id, email: kim.email, n: 0 } },
    { orderKey: order!.order_id, data: { buyer: { ...kim, email: "Kim@Example.com" }, n: 1 } },
    { orderKey: "theirs", data: { buyer: { ...kim, email: "KIM@example.com" }, n: 2 } },
    { orderKey: order!.order_id, data: { buyer: lee, n: 3 } },
    { orderKey: "lee", data: { buyer: lee, n: 4 } },
  );
  await erase(node);
  const rows = await world.sql<{ about: string | null; data: { n?: number } }>(
    "select about, data from event where account_id = $1 and type = 'payment.made' order by id",
    [world.accountId],
  );
  expect(rows).toEqual([
    { about: id, data: { customer_id: id, email: null, n: 0 } },
    { about: id, data: { buyer: { email: "" }, n: 1 } },
    { about: id, data: { buyer: { email: "" }, n: 2 } },
    { about: lee.email, data: { buyer: lee, n: 3 } },
    { about: lee.email, data: { buyer: lee, n: 4 } },
  ]);
});

test("what waits in a node's memory for its turn goes out without the person", async () => {
  const world = await openWorld();
  const { id, erase } = await buyer(world);
  const first = gate();
  const receiver = await startReceiver();
  receiver.answer(async (_, index) => {
    if (index === 0) await first.opened;
    return {};
  });
  await world.address(receiver.url, { options: { concurrency: 1 } });
  const node = world.node();
  await node.lanes.start();
  // One is under way, which holds the only place; the other is in memory behind it.
  await node.publish({ data: { buyer: lee } });
  await receiver.arrived(1);
  await node.publish({ data: { customer_id: id, buyer: kim } });
  const asked = vi.spyOn(node.pool, "query");
  await erase(node);
  // Its lane is read again; then what was held in memory has been let go of.
  await until(() =>
    asked.mock.calls.some(([query]) => (query as unknown as { readonly name?: string }).name === "read_lane"),
  );
  await Promise.allSettled(asked.mock.results.map(({ value }) => value as Promise<unknown>));
  await new Promise(setImmediate);
  first.open();
  await receiver.arrived(2);
  expect(receiver.messages()[1]).toMatchObject({ data: { customer_id: id, buyer: { email: "" } } });
});
