/** How numbers are written for people: one form everywhere, in the report, the model card and the terminal. */
import type { MeanAndError } from './report-schema.ts';

const minus = '\u2212';

function withMinus(text: string): string {
  return text.startsWith('-') ? minus + text.slice(1) : text;
}

/** `0.742 ± 0.031`, or a dash where nothing was measured. */
export function formatMean(figure: MeanAndError | null): string {
  if (figure === null) return '–';
  return `${withMinus(figure.mean.toFixed(3))} ± ${figure.standardError.toFixed(3)}`;
}

/** A difference, always with its sign: `+0.210 ± 0.042`. */
export function formatGain(figure: MeanAndError | null): string {
  if (figure === null) return '–';
  const sign = figure.mean < 0 ? '' : '+';
  return `${sign}${formatMean(figure)}`;
}

/** Decimal units, as network and disk makers count: `22.1 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  if (unit === 0) return value === 1 ? '1 byte' : `${value} bytes`;
  return `${value < 99.95 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`;
}

/** `4 min 14 s`, `48 s`, `2 h 05 min`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (whole < 60) return `${whole} s`;
  const pad = (value: number) => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

/** `12,480`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-GB');
}

/** `21.4 %`. */
export function formatShare(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** `northgate, riverside and st-olaf`. */
export function formatList(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** `1 patient`, `12 patients`. */
export function formatPlural(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}
