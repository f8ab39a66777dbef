/** The names of a checkpoint's tensors: what training wrappers put before them, and lists of names with wildcards. */

/** What PyTorch's DataParallel, MoCo v3 and common fine-tuning code put before the names of the model itself. */
const wrappers = ['module.base_encoder.', 'module.', 'backbone.'];

/**
 * The beginning that all names share and that only wrappers put there; empty when there is none. A beginning that the
 * model's own names have is no wrapper's.
 */
export function wrapperPrefix(names: readonly string[], { own }: { readonly own: readonly string[] }): string {
  let prefix = '';
  for (;;) {
    const next = wrappers.find(
      (wrapper) =>
        names.length > 0 &&
        names.every((name) => name.startsWith(prefix + wrapper)) &&
        !own.some((name) => name.startsWith(wrapper)),
    );
    if (next === undefined) return prefix;
    prefix += next;
  }
}

/** Whether a pattern is the name or, ending in `*`, its beginning. */
export function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
}

/** The first names of a list and how many more there are, for an error. */
export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => `"${name}"`);
  return names.length > shown.length ? `${shown.join(', ')} and ${names.length - shown.length} more` : shown.join(', ');
}
