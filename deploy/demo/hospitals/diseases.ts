/** The three hidden disease factors behind everything the demo's hospitals record. */
export const diseases = ['emphysema', 'malignancy', 'fibrosis'] as const;
export type Disease = (typeof diseases)[number];

/** One number per disease. */
export type PerDisease<T> = Record<Disease, T>;
