import type { GoldenPrograms } from './program.ts';

export const stateSpaces: GoldenPrograms = {};
