/**
 * What the author of a plan has to know of each hospital's tables to write one plan for all: headings, which values a column
 * has and how often among patients with CT, and gene names.
 *
 * In a real consortium people agree on this over the table headings and value counts they are willing to share, before
 * there is a study. The demo has every hospital on one machine and plays that part itself; a coordinator never sees it.
 */
export interface SiteSurvey {
  readonly site: string;
  readonly patientsWithCt: number;
  /** Clinical columns, in the table's order, with how many patients with CT have each value. Empty cells are not counted. */
  readonly columns: readonly { readonly heading: string; readonly values: ReadonlyMap<string, number> }[];
  /** Null without an expression table. */
  readonly genes: readonly string[] | null;
}
