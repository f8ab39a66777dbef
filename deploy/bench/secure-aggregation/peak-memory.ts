/** How much memory a process has needed at most, and how much more a piece of work takes than it had before. */
import { readFileSync, writeFileSync } from 'node:fs';

/** @returns in bytes of resident memory: the highest during the work, less what was resident before it. */
export async function peakMemoryOf(work: () => Promise<unknown>): Promise<number> {
  const canReset = resetPeak();
  const before = process.memoryUsage.rss();
  await work();
  const peak = canReset ? peakMemory()! : 1024 * process.resourceUsage().maxRSS;
  return Math.max(0, peak - before);
}

/** Linux forgets the peak on request; elsewhere it is that of the process's whole life. */
function resetPeak(): boolean {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
    return peakMemory() !== null;
  } catch {
    return false;
  }
}

/** @returns in bytes, the most that was resident; null where the system does not tell. */
export function peakMemory(): number | null {
  try {
    const kilobytes = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);
    return kilobytes > 0 ? 1024 * kilobytes : null;
  } catch {
    return null;
  }
}
