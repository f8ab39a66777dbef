/** The modalities that alignment brings together, and their pairs in the order they are reported. */
export type Modality = 'ct' | 'clinical' | 'expression';

export const modalityPairs = [
  { name: 'ct-clinical', modalities: ['ct', 'clinical'] },
  { name: 'ct-expression', modalities: ['ct', 'expression'] },
  { name: 'clinical-expression', modalities: ['clinical', 'expression'] },
] as const satisfies readonly { name: string; modalities: readonly [Modality, Modality] }[];

export type ModalityPairName = (typeof modalityPairs)[number]['name'];
