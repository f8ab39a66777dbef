/** The encoder of a patient's clinical values, in its travelling and its site-local part. */
import type { ParameterLayout } from '../layout.ts';
import { tabularLocalLayout, tabularSharedLayout } from './tabular-encoder.ts';

export function clinicalSharedLayout(options: {
  readonly hiddenWidth: number;
  readonly embeddingWidth: number;
}): ParameterLayout {
  return tabularSharedLayout('clinical', { ...options, group: 'clinical' });
}

export function clinicalLocalLayout(options: {
  readonly inputWidth: number;
  readonly hiddenWidth: number;
}): ParameterLayout {
  return tabularLocalLayout('clinical', { ...options, group: 'clinical' });
}
