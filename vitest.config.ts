import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{shared,protocols,coordinator,client,deploy}/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
