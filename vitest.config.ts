import { defineConfig } from 'vitest/config';

const ours = '{shared,protocols,coordinator,client,deploy}/**';

/** `vitest run --mode long` runs what takes minutes and nothing else. */
export default defineConfig(({ mode }) => ({
  test: {
    include: [mode === 'long' ? `${ours}/*.long.test.ts` : `${ours}/*.test.ts`],
    exclude: ['**/node_modules/**', ...(mode === 'long' ? [] : ['**/*.long.test.ts'])],
    pool: 'forks',
    // Memory is measured right after a collection.
    execArgv: mode === 'long' ? ['--expose-gc'] : [],
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
}));
