import { createLayout, type ParameterLayout } from '../../tensors/layout.ts';
import type { GoldenContext, GoldenTensor } from './program.ts';

/** A case's parameters, or the inputs whose names begin with `kind`, as one flat vector and its layout. */
export function flatParameters(
  { names, numbers, shape }: GoldenContext,
  { kind = 'param' }: { kind?: string } = {},
): { layout: ParameterLayout; values: Float32Array } {
  const prefix = `${kind}.`;
  const found = names.filter((name) => name.startsWith(prefix));
  const layout = createLayout(
    found.map((name) => ({
      name: name.slice(prefix.length),
      shape: shape(name),
      initialiser: { kind: 'zeros' },
      group: 'all',
    })),
  );
  const values = new Float32Array(layout.size);
  for (const { name, offset } of layout.tensors) values.set(numbers(`${prefix}${name}`), offset);
  return { layout, values };
}

/** The tensors of a flat vector as outputs. */
export function namedParts(
  layout: ParameterLayout,
  values: Float32Array,
  prefix: string,
): Record<string, GoldenTensor> {
  return Object.fromEntries(
    layout.tensors.map(({ name, shape, offset, size }) => [
      `${prefix}${name}`,
      { shape, data: values.slice(offset, offset + size) },
    ]),
  );
}
