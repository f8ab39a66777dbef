/**
 * How many patients to hold out, so that the smallest hospital can still report: the smallest of 30, 40 and 50 % that gives
 * it ten held-out patients. Where even half is fewer than ten, figures on that half are allowed to leave, but never on
 * fewer than five: below that a hospital is named as not measured.
 */
export function heldOutShare(patientsWithCt: readonly number[]): { fraction: number; minimumPatients: number } {
  const smallest = Math.min(...patientsWithCt);
  const fraction = [0.3, 0.4, 0.5].find((share) => Math.floor(share * smallest) >= 10);
  if (fraction !== undefined) return { fraction, minimumPatients: 10 };
  return { fraction: 0.5, minimumPatients: Math.min(10, Math.max(5, Math.floor(0.5 * smallest))) };
}
