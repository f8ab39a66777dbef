import { defineConfig } from 'vitest/config';

const ours = '{shared,protocols,coordinator,client,deploy}/**';
const long = '**/*.long.test.ts';
const faults = 'deploy/chaos/{faults,replicas}/**/*.test.ts';

/** Each suite runs what no other does: `--mode long` single tests that take minutes, `--mode faults` the numbered faults. */
const suites: Record<string, { readonly include: string[]; readonly exclude: string[] }> = {
  long: { include: [`${ours}/*.long.test.ts`], exclude: [] },
  faults: { include: [faults], exclude: [long] },
  test: { include: [`${ours}/*.test.ts`], exclude: [long, faults] },
};

export default defineConfig(({ mode }) => ({
  test: {
    include: suites[mode]?.include ?? [],
    exclude: ['**/node_modules/**', ...(suites[mode]?.exclude ?? [])],
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
