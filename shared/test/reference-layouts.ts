/** The tensors of the reference encoders beside the project, in `../shared/research/encoders.json`. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { ParameterLayout } from '../tensors/layout.ts';

const list = path.resolve(import.meta.dirname, '../../../shared/research/encoders.json');

type Listed = Record<string, Record<string, { readonly shape: readonly number[] }>>;

/**
 * A test that a layout has the names, shapes and order of a model's `state_dict`; skipped where the list is absent.
 *
 * @param options.leaveOut names tensors of the model that do not travel.
 */
export function testAgainstReference(
  model: string,
  layout: () => ParameterLayout,
  { leaveOut }: { readonly leaveOut?: RegExp } = {},
): void {
  test.skipIf(!existsSync(list))(`lists the tensors of ${model}`, () => {
    const listed = (JSON.parse(readFileSync(list, 'utf8')) as Listed)[model]!;
    const expected = Object.entries(listed).filter(([name]) => leaveOut === undefined || !leaveOut.test(name));
    const line = (name: string, shape: readonly number[]) => `${name} [${shape.join(',')}]`;
    expect(layout().tensors.map(({ name, shape }) => line(name, shape))).toEqual(
      expected.map(([name, { shape }]) => line(name, shape)),
    );
  });
}
