/** Refuses JSON that is dangerous to code that only expects messages: names that objects inherit, and nesting without end. */
import { limits } from './limits.ts';

const inheritedNames = new Set(['__proto__', 'constructor', 'prototype']);

/** Whether a parsed value has none of these names at any depth and nests no deeper than a message may. Does not recurse. */
export function isPlainJson(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limits.jsonDepth) return false;
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item !== 'object' || item === null) continue;
      if (!Array.isArray(item) && Object.keys(item).some((name) => inheritedNames.has(name))) return false;
      for (const inner of Object.values(item)) next.push(inner);
    }
    level = next;
  }
  return true;
}
