/** How a reference case is computed here: a program takes the case's parameters and inputs and returns its outputs. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Engine } from '../../learning/engine/open-engine.ts';
import type { ParameterTensors } from '../../learning/parameters.ts';

/** Numbers with a shape, as a safetensors file holds them. */
export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | BigInt64Array;
}

/** An entry of `cases.json`, as far as it is used. */
export interface GoldenCase {
  readonly name: string;
  /** The settings the values were made with. */
  readonly config: Record<string, unknown>;
  readonly differentiable: boolean;
  /** The scalar whose gradients are compared: the losses plus the sum of each output times its cotangent. */
  readonly scalar: {
    readonly losses: readonly string[];
    readonly terms: readonly (readonly [output: string, cotangent: string])[];
  } | null;
  /** Parameters without a gradient, by their full names (`param.…`). */
  readonly untrained_params: readonly string[];
}

export interface GoldenContext {
  readonly engine: Engine;
  readonly name: string;
  readonly config: Record<string, unknown>;
  /** The float32 parameters by their `state_dict` names. */
  readonly parameters: ParameterTensors;
  /** An input by its name without `input.`: float32, or int32 where the file holds whole numbers. */
  input<T extends Tensor>(name: string): T;
  hasInput(name: string): boolean;
  /** The numbers of a tensor by its full name, for example `input.y_true` or `param.fc1.weight`. */
  numbers(fullName: string): Float32Array | Int32Array;
  /** The 64-bit integer of a tensor without dimensions, by its full name. */
  wholeNumber(fullName: string): bigint;
  shape(fullName: string): readonly number[];
  /** The full names of all parameters and inputs. */
  readonly names: readonly string[];
}

export type GoldenOutput =
  | Tensor
  | GoldenTensor
  | Float32Array
  | Float64Array
  | Int32Array
  | readonly number[]
  | number;

/**
 * Returns the outputs by their names without `output.`. In a differentiable case it must be synchronous, build its
 * outputs by recorded operations alone and return tensors; the caller takes the gradients.
 */
export type GoldenProgram = (
  context: GoldenContext,
) => Record<string, GoldenOutput> | Promise<Record<string, GoldenOutput>>;

/** Programs by the beginning of the case names they compute; the longest that fits is taken. */
export type GoldenPrograms = Readonly<Record<string, GoldenProgram>>;
