import { describe } from 'vitest';
import { testAgainstReference } from '../../test/reference-layouts.ts';
import { plainAttentionLayout } from './plain-attention.ts';

describe('plainAttentionLayout()', () => {
  testAgainstReference('CLEAR ABMIL_Classification(768, n_out=8)', () =>
    plainAttentionLayout({ sliceWidth: 768, width: 256, outputs: 8, group: 'image' }),
  );
});
