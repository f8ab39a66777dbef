import type { Initialiser } from '../layout.ts';

/**
 * How the tensors of a selective scan start, in Mamba and in VMamba (Gu and Dao 2023, arXiv 2312.00752, section 3.6): decay
 * rates 1, 2, 3 ..., and step sizes log-uniform between 0.001 and 0.1, which the projection of rank `rank` hardly changes.
 */
export function scanStart({ rank, states }: { readonly rank: number; readonly states: number }): {
  readonly aLog: Initialiser;
  readonly d: Initialiser;
  readonly stepWeight: Initialiser;
  readonly stepBias: Initialiser;
} {
  return {
    aLog: { kind: 'log-count', rowLength: states },
    d: { kind: 'ones' },
    stepWeight: { kind: 'uniform', bound: rank ** -0.5 },
    stepBias: { kind: 'inverse-softplus', lowest: 0.001, highest: 0.1 },
  };
}
