/** Somebody with ready work. */
export type Taker = {
  /** under way now */
  readonly underWay: number;
  /** there may be room: try again */
  go(): void;
};

/** Shares the calls of one transport among all lanes with ready work. */
export type Turn = {
  /** @returns false: no room; `go` is called when it may be its turn */
  enter(taker: Taker): boolean;
  leave(): void;
  forget(taker: Taker): void;
};

/**
 * Lanes wait in line, one place each. None may hold more calls than there are free ones: many that hang share what one
 * could have had alone, and there is room for those that answer.
 * @param capacity calls at once
 */
export function createTurn(capacity: number): Turn {
  let free = capacity;
  const waiting = new Set<Taker>();
  return {
    enter(taker) {
      if (free <= 0 || (taker.underWay > 0 && taker.underWay >= free)) {
        waiting.add(taker);
        return false;
      }
      free--;
      waiting.delete(taker);
      return true;
    },
    leave() {
      free++;
      // Each of them once: whoever finds no room lines up again.
      const inLine = [...waiting];
      for (const taker of inLine) {
        if (free <= 0) return;
        waiting.delete(taker);
        taker.go();
      }
    },
    forget: (taker) => void waiting.delete(taker),
  };
}
