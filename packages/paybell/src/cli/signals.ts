export type Signals = {
  /** resolves at the first Ctrl-C or SIGTERM; a second one ends the process at once */
  readonly asked: Promise<NodeJS.Signals>;
  /** from now on signals act as they usually do */
  release(): void;
};

/** To be called before the work begins, so that no signal is missed. */
export function listenForSignals(): Signals {
  let ask: (signal: NodeJS.Signals) => void;
  let isAsked = false;
  const asked = new Promise<NodeJS.Signals>((resolve) => {
    ask = resolve;
  });
  const heard = (signal: NodeJS.Signals) => {
    // The store is a process of its own and stays whole; the next start takes it over.
    if (isAsked) process.exit(signal === "SIGINT" ? 130 : 143);
    isAsked = true;
    ask(signal);
  };
  process.on("SIGINT", heard);
  process.on("SIGTERM", heard);
  return {
    asked,
    release() {
      process.off("SIGINT", heard);
      process.off("SIGTERM", heard);
    },
  };
}
