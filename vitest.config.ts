import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.{ts,tsx}"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
  resolve: {
    // Tests run on the sources, so that no stale build can pass them.
    alias: [
      { find: /^@paybell\/protocols\/(.*)$/, replacement: `${import.meta.dirname}/packages/protocols/src/$1.ts` },
    ],
  },
});
