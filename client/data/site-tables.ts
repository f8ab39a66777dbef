/** The site's two tables, each optional; one that cannot be read is counted and missing. */
import type { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { type ClinicalTable, readClinicalTable } from './clinical/clinical-table.ts';
import { type ExpressionTable, readExpressionTable } from './expression/expression-table.ts';
import type { KeyedHash } from './keyed-hash.ts';
import type { Quarantine } from './quarantine/quarantine.ts';
import { UnusableError } from './quarantine/unusable-error.ts';
import type { SiteFiles } from './site-files.ts';

export interface SiteTables {
  readonly clinical: ClinicalTable | null;
  readonly expression: ExpressionTable | null;
}

export interface SiteTablesOptions {
  /** `count` says what an expression table holds without a plan's genes; undefined leaves it unread. */
  readonly expression: StudyPlan['expression'] | 'count';
  readonly keyOf: (id: string) => KeyedHash | null;
  /** Patients known from the images. */
  readonly imaged: ReadonlySet<KeyedHash>;
  readonly quarantine: Quarantine;
  readonly signal: AbortSignal | undefined;
}

async function orQuarantined<Table>(quarantine: Quarantine, read: () => Promise<Table>): Promise<Table | null> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof UnusableError)) throw error;
    quarantine.add(error.reason);
    return null;
  }
}

/** @throws the signal's reason. */
export async function readSiteTables(
  files: SiteFiles,
  { expression, keyOf, imaged, quarantine, signal }: SiteTablesOptions,
): Promise<SiteTables> {
  const path = files.clinical;
  const clinical =
    path === null
      ? null
      : await orQuarantined(quarantine, () => readClinicalTable(path, { quarantine, keyOf, known: imaged }));
  signal?.throwIfAborted();
  const profilesPath = files.expression;
  if (profilesPath === null || expression === undefined) return { clinical, expression: null };
  const known = new Set([...imaged, ...(clinical?.rows.keys() ?? [])]);
  const genes = expression === 'count' ? null : expression.genes;
  const profiles = await orQuarantined(quarantine, () =>
    readExpressionTable(profilesPath, { genes, keyOf, known, quarantine, signal }),
  );
  return { clinical, expression: profiles };
}
