import type { GoldenPrograms } from './program.ts';

export const optimisers: GoldenPrograms = {};
