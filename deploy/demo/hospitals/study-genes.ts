/** The genes of the demo's study, in the order of its plan. The symbols are invented and no gene bears them. */

const STEMS = [
  ...['ABRQ', 'BLTN', 'CERV', 'DOVK', 'ELMQ', 'FARN', 'GULP', 'HESK', 'IRVQ', 'JOLT', 'KESTR', 'LURN'],
  ...['MARQ', 'NOVK', 'OLDW', 'PERQ', 'QUIL', 'ROSK', 'SELV', 'TARNQ', 'ULVN', 'VESK', 'WRENQ', 'XALT'],
  ...['YARV', 'ZELK', 'BRYQ', 'CLOVN', 'DRUSK', 'FENQ'],
];
const MEMBERS = 12;

/** 360 symbols such as `CERV7`. */
export const studyGenes: readonly string[] = STEMS.flatMap((stem) =>
  Array.from({ length: MEMBERS }, (_, member) => `${stem}${member + 1}`),
);
