/** The encoder of a patient's gene expression, in its travelling and its site-local part. */
import type { ParameterLayout } from '../layout.ts';
import { tabularLocalLayout, tabularSharedLayout } from './tabular-encoder.ts';

export function expressionSharedLayout(options: {
  readonly hiddenWidth: number;
  readonly embeddingWidth: number;
}): ParameterLayout {
  return tabularSharedLayout('expression', { ...options, group: 'expression' });
}

export function expressionLocalLayout(options: {
  readonly inputWidth: number;
  readonly hiddenWidth: number;
}): ParameterLayout {
  return tabularLocalLayout('expression', { ...options, group: 'expression' });
}
