/** A log line for people: pino's JSON becomes `warn  message  key=value`, anything else stays as it is. */
const levels: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const housekeeping = new Set(['level', 'time', 'pid', 'hostname', 'msg', 'name', 'v']);

export function readableLogLine(line: string): string {
  if (!line.startsWith('{')) return line;
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return line;
  }
  if (typeof entry !== 'object' || entry === null || !('msg' in entry) || !('level' in entry)) return line;
  const details = Object.entries(entry)
    .filter(([key]) => !housekeeping.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const level = typeof entry.level === 'number' ? (levels[entry.level] ?? String(entry.level)) : String(entry.level);
  return [level.padEnd(5), String(entry.msg), ...details].join('  ');
}
