import type { Share } from '../parallel/share.ts';

/** Some of the views of a batch that has `views` of them: those that one thread makes. */
export interface ViewShare extends Share {
  readonly views: number;
}

/** One draw for each view of the share, as if all views of the batch were drawn one after another. */
export function drawEach<T>({ first, count, views }: ViewShare, draw: () => T): T[] {
  return Array.from({ length: views }, draw).slice(first, first + count);
}
