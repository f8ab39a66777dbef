/** What was found in a site's folder beside what training needs: counts and the standard's own names. */
export interface SiteFindings {
  readonly images: {
    readonly files: number;
    /** Transfer syntax -> usable images. */
    readonly transferSyntaxes: Readonly<Record<string, number>>;
    readonly patients: number;
    /** Axial series, before a patient's best one is chosen. */
    readonly axialSeries: number;
    /** Axial slices, before they are thinned out. */
    readonly axialSlices: number;
  } | null;
  readonly clinical: {
    readonly rows: number;
    readonly columns: number;
    readonly numericInputs: number;
    readonly categoricalInputs: number;
  } | null;
  readonly expression: {
    readonly profiles: number;
    readonly genes: number;
    /** null when no plan names genes. */
    readonly planGenesFound: number | null;
  } | null;
}
