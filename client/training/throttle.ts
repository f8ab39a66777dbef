/** Lets a report through at most once an interval, and always the last one. */
export function throttle<Report>(
  pass: (report: Report) => void,
  {
    intervalMillis,
    isLast,
    nowMillis = () => performance.now(),
  }: { intervalMillis: number; isLast: (report: Report) => boolean; nowMillis?: () => number },
): (report: Report) => void {
  let nextMillis = Number.NEGATIVE_INFINITY;
  return (report) => {
    const now = nowMillis();
    if (now < nextMillis && !isLast(report)) return;
    nextMillis = now + intervalMillis;
    pass(report);
  };
}
