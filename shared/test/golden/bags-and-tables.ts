import type { GoldenPrograms } from './program.ts';

export const bagsAndTables: GoldenPrograms = {};
