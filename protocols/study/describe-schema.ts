/** Says in words what a JSON Schema accepts, for people who correct a file by hand. */

/** The parts of JSON Schema that zod's schemas turn into. */
export interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

/** For example `a whole number from 2 to 4096`. */
export function describeSchema(schema: JsonSchema): string {
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return [...new Set(branches.map(describeSchema))].join(' or ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  switch (schema.type) {
    case 'integer':
    case 'number': {
      const multiple = schema.multipleOf === undefined ? '' : ` that is a multiple of ${schema.multipleOf}`;
      return `a ${schema.type === 'integer' ? 'whole ' : ''}number${bounds(schema)}${multiple}`;
    }
    case 'string':
      return `a text${extent(schema.minLength, schema.maxLength, 'characters')}`;
    case 'array':
      return `a list${extent(schema.minItems, schema.maxItems, 'entries')}`;
    case 'object': {
      const kind = schema.properties?.['kind']?.const;
      return kind === undefined ? 'a group of settings' : `a group of settings with kind ${JSON.stringify(kind)}`;
    }
    case 'boolean':
      return 'true or false';
    default:
      return 'another value';
  }
}

/**
 * The schema of the value at `path` inside `value`, or undefined when there is none. Where a schema has branches, the one
 * of the value's `kind` is followed, else the first of its type.
 */
export function schemaAt(schema: JsonSchema, path: readonly PropertyKey[], value: unknown): JsonSchema | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return schema;
  const { items, properties = {}, additionalProperties } = branchOf(schema, value);
  const others = typeof additionalProperties === 'object' ? additionalProperties : undefined;
  const named = typeof key === 'string' && Object.hasOwn(properties, key) ? properties[key] : others;
  const next = typeof key === 'number' ? items : named;
  return next === undefined ? undefined : schemaAt(next, rest, memberOf(value, key));
}

/** The branch of a schema that a value was meant for; the schema itself when it has none. */
export function branchOf(schema: JsonSchema, value: unknown): JsonSchema {
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches === undefined) return schema;
  const kind = memberOf(value, 'kind');
  const type = Array.isArray(value) ? 'array' : typeof value;
  return (
    branches.find(({ properties }) => kind !== undefined && properties?.['kind']?.const === kind) ??
    branches.find((branch) => branch.type === type) ??
    schema
  );
}

/** A member or an entry of a value, undefined where there is none. */
export function memberOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<PropertyKey, unknown>)[key]
    : undefined;
}

function bounds(schema: JsonSchema): string {
  const { minimum, exclusiveMinimum, maximum, exclusiveMaximum } = schema;
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  const low =
    exclusiveMinimum !== undefined
      ? `above ${exclusiveMinimum}`
      : minimum !== undefined
        ? `of at least ${minimum}`
        : '';
  const high =
    exclusiveMaximum !== undefined ? `below ${exclusiveMaximum}` : maximum !== undefined ? `of at most ${maximum}` : '';
  const both = [low, high].filter((text) => text !== '').join(' and ');
  return both === '' ? '' : ` ${both}`;
}

function extent(minimum: number | undefined, maximum: number | undefined, unit: string): string {
  if (minimum !== undefined && maximum !== undefined) return ` of ${minimum} to ${maximum} ${unit}`;
  if (minimum !== undefined) return ` of at least ${minimum} ${unit}`;
  return maximum === undefined ? '' : ` of at most ${maximum} ${unit}`;
}
