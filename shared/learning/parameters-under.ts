import type { ParameterTensors } from './parameters.ts';

/** The tensors whose names begin with the prefix and a dot, without these: a part of a model as it is by itself. */
export function parametersUnder(parameters: ParameterTensors, prefix: string): ParameterTensors {
  const start = `${prefix}.`;
  const found = [...parameters].filter(([name]) => name.startsWith(start));
  return new Map(found.map(([name, tensor]) => [name.slice(start.length), tensor]));
}
