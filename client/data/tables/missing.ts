/** Words that people and export programs write where there is no value. Compared without regard to case or blanks. */
const MISSING = new Set([
  ...[
    '',
    '-',
    '--',
    '.',
    '?',
    'na',
    'n/a',
    '#n/a',
    'n.a.',
    'nan',
    'null',
    'missing',
    'unk',
    'unknown',
    'not collected',
  ],
  ...['not recorded', 'not recorded in database', 'not assessed', 'not available', 'not applicable', 'not reported'],
  ...['not done', 'not evaluated', '[not available]', '[not applicable]', '[not evaluated]', '[unknown]'],
]);

export function isMissing(cell: string | undefined): boolean {
  return cell === undefined || MISSING.has(cell.trim().toLowerCase());
}
