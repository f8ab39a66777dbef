import type { ParameterLayout, TensorSpec } from '../layout.ts';

/** A layout's tensors with a prefix and a dot before their names, for a model that has it as a part. */
export function tensorsUnder(prefix: string, layout: ParameterLayout): TensorSpec[] {
  return layout.tensors.map(({ name, shape, initialiser, group }) => ({
    name: `${prefix}.${name}`,
    shape,
    initialiser,
    group,
  }));
}
