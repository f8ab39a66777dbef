import { describe } from 'vitest';
import { testAgainstReference } from '../../test/reference-layouts.ts';
import { gatedPoolingLayout } from './gated-pooling.ts';

describe('gatedPoolingLayout()', () => {
  testAgainstReference('CLAM Attn_Net_Gated(L=512,D=256,dropout=0.25,n_classes=1)', () =>
    gatedPoolingLayout({ sliceWidth: 512, attentionWidth: 256, group: 'image' }),
  );
});
