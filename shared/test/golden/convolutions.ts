import type { GoldenPrograms } from './program.ts';

export const convolutions: GoldenPrograms = {};
