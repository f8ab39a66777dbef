/** Genes are compared without regard to case, to an Ensembl version (`ENSG00000141510.16`) or to an appended id (`TP53|7157`). */
export function geneName(text: string): string {
  const name = text.trim().split('|', 1)[0]!.toUpperCase();
  return /^ENS[A-Z]*G\d+\.\d+/.test(name) ? name.slice(0, name.indexOf('.')) : name;
}

/** Headings of columns that describe genes, beside those of the patients. */
const GENE_COLUMNS = new Set([
  ...[
    '',
    'gene',
    'genes',
    'geneid',
    'genename',
    'genesymbol',
    'genetype',
    'symbol',
    'hugosymbol',
    'entrezgeneid',
    'entrezid',
  ],
  ...[
    'ensemblid',
    'ensemblgeneid',
    'probe',
    'probeid',
    'name',
    'description',
    'chromosome',
    'chr',
    'start',
    'end',
    'strand',
  ],
  ...['length', 'unnamed0'],
]);

export function isGeneColumn(heading: string): boolean {
  return GENE_COLUMNS.has(heading.toLowerCase().replace(/[^a-z0-9]/g, ''));
}
