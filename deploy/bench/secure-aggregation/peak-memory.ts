/** How much more memory a piece of work takes than the process had before. */
import { readFileSync, writeFileSync } from 'node:fs';

/** @returns in bytes of resident memory: the highest during the work, less what was resident before it. */
export async function peakMemoryOf(work: () => Promise<unknown>): Promise<number> {
  const canReset = resetPeak();
  const before = process.memoryUsage.rss();
  await work();
  const peak = canReset ? readPeak() : 1024 * process.resourceUsage().maxRSS;
  return Math.max(0, peak - before);
}

/** Linux forgets the peak on request; elsewhere it is that of the process's whole life. */
function resetPeak(): boolean {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
    return readPeak() > 0;
  } catch {
    return false;
  }
}

function readPeak(): number {
  return 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);
}
