import { defineConfig } from 'vitest/config';

const ours = '{shared,protocols,coordinator,client,deploy}/**';

/** `vitest run --mode long` runs what takes minutes and nothing else. */
export default defineConfig(({ mode }) => ({
  test: {
    include: [mode === 'long' ? `${ours}/*.long.test.ts` : `${ours}/*.test.ts`],
    exclude: ['**/node_modules/**', ...(mode === 'long' ? [] : ['**/*.long.test.ts'])],
    pool: 'forks',
    // Tests that use PostgreSQL ask for it; programs that tests start must not find one they did not expect.
    env: { TEST_DATABASE_URL: process.env['DATABASE_URL'] ?? '', DATABASE_URL: '' },
    // Memory is measured right after a collection.
    execArgv: mode === 'long' ? ['--expose-gc'] : [],
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
}));
