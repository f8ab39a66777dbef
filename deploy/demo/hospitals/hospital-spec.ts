/** What distinguishes one hospital from another: its patients, its scanner, and how it keeps its tables. */

import type { TransferSyntaxName } from './ct/dicom-writer.ts';
import type { Scanner } from './ct/scanner.ts';
import type { PerDisease } from './diseases.ts';
import type { FileFaultCounts } from './planted-faults.ts';
import type { ClinicalTableStyle } from './tables/clinical-table.ts';
import type { ExpressionTableStyle } from './tables/expression-table.ts';

export interface HospitalSpec {
  /** Also the name of the site's folder. */
  name: string;
  institution: string;
  idPrefix: string;
  patients: number;
  /** Share of the patients with each disease. */
  prevalence: PerDisease<number>;
  scanner: Scanner;
  /** Used in turn, one for each patient. */
  transferSyntaxes: readonly TransferSyntaxName[];
  clinical: ClinicalTableStyle;
  expression: ExpressionTableStyle;
  /** Unusable files laid among the good ones. */
  faults: FileFaultCounts;
}
