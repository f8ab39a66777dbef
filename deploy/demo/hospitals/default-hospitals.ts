/** The demo's three hospitals. Every name in them is invented. */
import type { HospitalSpec } from './hospital-spec.ts';
import { hillcrest } from './sites/hillcrest.ts';
import { northgate } from './sites/northgate.ts';
import { riverside } from './sites/riverside.ts';

export const defaultHospitals: readonly HospitalSpec[] = [northgate, riverside, hillcrest];

/** Enough patients per site for a short run. */
export const quickPatientsPerSite = 36;
