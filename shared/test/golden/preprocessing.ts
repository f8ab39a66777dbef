import type { GoldenPrograms } from './program.ts';

export const preprocessing: GoldenPrograms = {};
