import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.{ts,tsx}"],
    setupFiles: [`${import.meta.dirname}/vitest.setup.ts`],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Most of a test is waiting for a store, a mail server or a child process.
    maxWorkers: 2,
  },
  resolve: {
    // Tests run on the sources, so that no stale build can pass them.
    alias: [
      { find: /^@paybell\/protocols\/(.*)$/, replacement: `${import.meta.dirname}/packages/protocols/src/$1.ts` },
    ],
  },
});
