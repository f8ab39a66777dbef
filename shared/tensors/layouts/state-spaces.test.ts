import { describe, expect, test } from 'vitest';
import '../../test/all-close.ts';
import { testAgainstReference } from '../../test/reference-layouts.ts';
import { initialise } from '../initialise.ts';
import { filterLayout, type ParameterLayout, tensorView } from '../layout.ts';
import { MAMBA_GENE_ENCODER, mambaGeneEncoderLayout } from './mamba-gene-encoder.ts';
import { VMAMBA_TINY, VSSM_TINY, vmambaLayout } from './vmamba.ts';

const shapes = (layout: ParameterLayout) => layout.tensors.map(({ name, shape }) => `${name} [${shape.join(',')}]`);
const isOwn = ({ name }: { readonly name: string }) => !/^(layers|norm_f)\./.test(name);

const geneLayout = (sizes: Partial<Parameters<typeof mambaGeneEncoderLayout>[0]> = {}) =>
  mambaGeneEncoderLayout({ ...MAMBA_GENE_ENCODER, genes: 50, group: 'genes', ...sizes });

describe('vmambaLayout()', () => {
  for (const [model, sizes] of [
    ['vmamba_tiny_s1l8', VMAMBA_TINY],
    ['VSSM() defaults (as CLEAR)', VSSM_TINY],
  ] as const) {
    testAgainstReference(model, () => vmambaLayout({ ...sizes, inputChannels: 3, group: 'slice' }), {
      leaveOut: /^classifier\.head\./,
    });
  }

  test('has the released number of parameters', () => {
    // 30,249,064 with a head of 1,000 classes.
    expect(vmambaLayout({ ...VMAMBA_TINY, inputChannels: 3, group: 'slice' }).size).toBe(30_249_064 - 769_000);
  });

  test('starts scans with rates 1, 2, 3 and small steps', () => {
    const layout = vmambaLayout({ ...VSSM_TINY, depths: [1, 1], width: 16, inputChannels: 1, group: 'slice' });
    const values = initialise(layout, 1);
    const op = (name: string) => tensorView(layout, values, `layers.1.blocks.0.op.${name}`);
    expect([...op('A_logs').slice(14, 18)].map(Math.exp)).toBeAllClose([15, 16, 1, 2], { relative: 1e-6, absolute: 0 });
    expect(op('Ds').every((value) => value === 1)).toBe(true);
    const steps = op('dt_projs_bias').map((value) => Math.log1p(Math.exp(value)));
    expect(steps.every((step) => step > 0.00099 && step < 0.101)).toBe(true);
    const largest = Math.max(...op('dt_projs_weight').map(Math.abs));
    expect(largest).toBeLessThanOrEqual(Math.fround(2 ** -0.5));
    expect(largest).toBeGreaterThan(0.9 * 2 ** -0.5);
  });
});

describe('mambaGeneEncoderLayout()', () => {
  for (const [normalisation, model] of [
    ['layer', 'MixerModel(d_model=256,n_layer=2,vocab=32,rms_norm=False) layout'],
    ['rms', 'MixerModel(d_model=256,n_layer=2,vocab=32,rms_norm=True) layout'],
  ] as const) {
    const blocks = () => filterLayout(geneLayout({ depth: 2, normalisation }), (tensor) => !isOwn(tensor));
    testAgainstReference(model, blocks, { leaveOut: /^embedding\./ });
  }

  test('has an embedding for each gene, or one projection and a place for each token', () => {
    const own = (genesPerToken: number | null) => shapes(filterLayout(geneLayout({ genesPerToken }), isOwn));
    expect(own(null)).toEqual([
      'gene_embed.weight [50,256]',
      'value_proj.weight [256,1]',
      'value_proj.bias [256]',
      'proj.weight [256,256]',
    ]);
    // Genes that do not fill the last token still get one.
    expect(own(20)).toEqual([
      'gene_patch.weight [256,20]',
      'gene_patch.bias [256]',
      'pos_embed [1,3,256]',
      'proj.weight [256,256]',
    ]);
  });

  test('starts deep encoders with smaller outputs of their blocks', () => {
    const largest = (depth: number) => {
      const layout = geneLayout({ depth });
      const weights = tensorView(layout, initialise(layout, 1), 'layers.0.mixer.out_proj.weight');
      return weights.reduce((most, weight) => Math.max(most, weight), 0);
    };
    expect(largest(4) / largest(1)).toBeCloseTo(0.5, 2);
  });
});
