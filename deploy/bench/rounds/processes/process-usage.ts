/** What a process has used since it began. */
import { peakMemory } from '../../secure-aggregation/peak-memory.ts';

export interface ProcessUsage {
  /** The most that was resident. */
  readonly peakBytes: number;
  /** Of all threads, in the system too. */
  readonly cpuSeconds: number;
}

export function processUsage(): ProcessUsage {
  const { user, system } = process.cpuUsage();
  return { peakBytes: peakMemory() ?? 1024 * process.resourceUsage().maxRSS, cpuSeconds: (user + system) / 1e6 };
}
