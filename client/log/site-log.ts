/** The site's log: JSON lines on standard error. What is logged is a closed set of fields; whole objects and errors never are. */
import pino from 'pino';
import { safeError } from './safe-error.ts';

export type SiteLog = pino.Logger;

/** Standard error is written synchronously, so that the last line before an end is not lost. */
export function createSiteLog(destination: pino.DestinationStream = pino.destination({ fd: 2, sync: true })): SiteLog {
  return pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: safeError, error: safeError },
    },
    destination,
  );
}
