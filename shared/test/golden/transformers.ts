import type { GoldenPrograms } from './program.ts';

export const transformers: GoldenPrograms = {};
