import fc from "fast-check";
import { expect, test } from "vitest";
import { createTurn, type Taker, type Turn } from "./turn.ts";

/** A lane that takes whatever it may. */
function greedy(turn: Turn, { work = Number.POSITIVE_INFINITY, concurrency = Number.POSITIVE_INFINITY } = {}) {
  const taker = {
    underWay: 0,
    left: work,
    go() {
      while (taker.left > 0 && taker.underWay < concurrency && turn.enter(taker)) {
        taker.underWay++;
        taker.left--;
      }
    },
    end() {
      taker.underWay--;
      turn.leave();
      taker.go();
    },
  };
  return taker satisfies Taker;
}

test("one alone leaves as much room as it takes", () => {
  const turn = createTurn(10);
  const one = greedy(turn);
  one.go();
  expect(one.underWay).toBe(5);
});

test("where many hang, ten calls each, one that answers still gets its turn, and more than one call", () => {
  const turn = createTurn(400);
  const hanging = Array.from({ length: 38 }, () => greedy(turn, { concurrency: 10 }));
  for (const one of hanging) one.go();
  const answering = greedy(turn, { concurrency: 10 });
  answering.go();
  for (let n = 0; n < 1000; n++) {
    expect(answering.underWay).toBeGreaterThan(1);
    answering.end();
  }
});

test("one with endless work does not keep out one that comes later", () => {
  const turn = createTurn(8);
  const [endless, late] = [greedy(turn), greedy(turn)];
  endless.go();
  late.go();
  for (let n = 0; n < 20; n++) endless.end();
  expect(late.underWay).toBeGreaterThanOrEqual(2);
});

test("who waits is told when there is room, and in the order of waiting", () => {
  const turn = createTurn(1);
  const order: string[] = [];
  const taker = (name: string) => ({ underWay: 0, go: () => void order.push(name) });
  const first = { underWay: 0, go: () => undefined };
  expect(turn.enter(first)).toBe(true);
  for (const name of ["a", "b", "c"]) expect(turn.enter(taker(name))).toBe(false);
  turn.leave();
  expect(order).toEqual(["a", "b", "c"]);
  turn.leave();
  expect(order).toEqual(["a", "b", "c"]);
});

test("who is forgotten is not told", () => {
  const turn = createTurn(1);
  const told: string[] = [];
  const gone = { underWay: 0, go: () => void told.push("gone") };
  const stays = { underWay: 0, go: () => void told.push("stays") };
  turn.enter({ underWay: 0, go: () => undefined });
  turn.enter(gone);
  turn.enter(stays);
  turn.forget(gone);
  turn.leave();
  expect(told).toEqual(["stays"]);
});

test("never more than the capacity is under way, and everything gets done, whatever ends when", () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 10 }),
      fc.infiniteStream(fc.nat()),
      (capacity, work, choices) => {
        const turn = createTurn(capacity);
        const takers = work.map((amount) => greedy(turn, { work: amount }));
        for (const taker of takers) taker.go();
        for (;;) {
          const busy = takers.filter((taker) => taker.underWay > 0);
          expect(takers.reduce((sum, taker) => sum + taker.underWay, 0)).toBeLessThanOrEqual(capacity);
          if (busy.length === 0) break;
          busy[(choices.next().value as number) % busy.length]!.end();
        }
        expect(takers.map((taker) => taker.left)).toEqual(work.map(() => 0));
      },
    ),
  ));
