import type { GoldenPrograms } from './program.ts';

export const metrics: GoldenPrograms = {};
