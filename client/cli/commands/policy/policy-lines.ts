/** A policy as lines for people: every floor there is, and those that are not set. */
import { SitePolicy } from '../../../policy/site-policy.ts';

export function policyLines(policy: SitePolicy): string[] {
  const names = Object.keys(SitePolicy.shape).filter((name): name is keyof SitePolicy => name !== 'format');
  return names.map((name) => `${name.padEnd(24)} ${formatValue(policy[name as Exclude<keyof SitePolicy, 'format'>])}`);
}

function formatValue(value: unknown): string {
  if (value === undefined) return 'no floor';
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value === 'object' && value !== null) return Object.entries(value).flat().join(' ');
  return String(value);
}
