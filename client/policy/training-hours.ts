/** The hours of the day, by this machine's clock, in which a site lets its machine train. They may run past midnight. */
import { z } from 'zod';

const TimeOfDay = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 22:30');

export const TrainingHours = z
  .strictObject({ from: TimeOfDay, to: TimeOfDay })
  .refine(({ from, to }) => from !== to, 'from and to must differ; leave trainingHours out to allow every hour');
export type TrainingHours = z.infer<typeof TrainingHours>;

function minutes(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

/** When this time of day comes next, strictly after `nowMillis`. */
function next(time: string, nowMillis: number): number {
  for (let day = 0; ; day += 1) {
    const at = new Date(nowMillis);
    at.setDate(at.getDate() + day);
    at.setHours(Math.floor(minutes(time) / 60), minutes(time) % 60, 0, 0);
    if (at.getTime() > nowMillis) return at.getTime();
  }
}

export function isTrainingHour(hours: TrainingHours, nowMillis: number): boolean {
  const now = new Date(nowMillis);
  const minute = now.getHours() * 60 + now.getMinutes();
  const from = minutes(hours.from);
  const to = minutes(hours.to);
  return from < to ? from <= minute && minute < to : minute >= from || minute < to;
}

/** When the hours begin next: `nowMillis` itself when they have begun. */
export function nextTrainingHour(hours: TrainingHours, nowMillis: number): number {
  return isTrainingHour(hours, nowMillis) ? nowMillis : next(hours.from, nowMillis);
}
