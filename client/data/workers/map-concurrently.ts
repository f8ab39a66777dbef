/**
 * Runs `work` over the items with at most `limit` of them under way, so that a million files do not become a million
 * promises. Results are in the order of the items.
 *
 * @throws what the first failing `work` throws, after no further item was begun.
 */
export async function mapConcurrently<Item, Result>(
  items: readonly Item[],
  { limit, work }: { limit: number; work: (item: Item, index: number) => Promise<Result> },
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  let next = 0;
  let failed = false;
  const runner = async () => {
    while (next < items.length && !failed) {
      const index = next;
      next += 1;
      try {
        results[index] = await work(items[index]!, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, runner));
  return results;
}
