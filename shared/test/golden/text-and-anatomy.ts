import type { GoldenPrograms } from './program.ts';

export const textAndAnatomy: GoldenPrograms = {};
