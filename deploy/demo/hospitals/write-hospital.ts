/** Writes one synthetic hospital: `ct/PATIENT/SERIES/*.dcm`, `clinical.csv` and `expression.tsv`. */
import type { SeededRandom } from '@wardround/shared/random/seeded-random.ts';
import type { TissueTextures } from './chest/tissue-textures.ts';
import type { CtDepartment } from './ct/ct-exam.ts';
import { makeCtExam } from './ct/ct-exam.ts';
import { drawFaultBearers } from './ct/fault-bearers.ts';
import type { JpegLsEncoder } from './ct/jpeg-ls-encoder.ts';
import { drawNoise } from './ct/scanner.ts';
import { makeUnusableFile } from './ct/unusable-files.ts';
import type { HospitalSpec } from './hospital-spec.ts';
import type { SiteSummary } from './hospital-summary.ts';
import type { SyntheticPatient } from './patients.ts';
import { drawPatients } from './patients.ts';
import { expectedQuarantine } from './planted-faults.ts';
import type { SiteFolder } from './site-folder.ts';
import { openSiteFolder } from './site-folder.ts';
import { writeClinicalTable } from './tables/clinical-table.ts';
import type { ExpressionProgramme } from './tables/expression-programme.ts';
import { writeExpressionTable } from './tables/expression-table.ts';

/** What all hospitals of a run have in common. */
export interface Commons {
  seed: number | string;
  textures: TissueTextures;
  programme: ExpressionProgramme;
  jpegLs: JpegLsEncoder;
}

export interface WriteHospitalOptions {
  directory: string;
  random: SeededRandom;
  commons: Commons;
  onPatient: (patientsDone: number) => void;
}

const SIZE_PIXELS = 128;
/** Fewer could not carry all gaps and faults and still be a hospital. */
const FEWEST_PATIENTS = 16;

/** @throws {RangeError} when the hospital has too few patients. @throws {Error} when its folder already holds something. */
export async function writeHospital(spec: HospitalSpec, options: WriteHospitalOptions): Promise<SiteSummary> {
  const { directory, random } = options;
  if (!Number.isInteger(spec.patients) || spec.patients < FEWEST_PATIENTS) {
    throw new RangeError(
      `Cannot make hospital "${spec.name}": it needs a whole number of at least ${FEWEST_PATIENTS} patients, found ${spec.patients}`,
    );
  }
  const folder = await openSiteFolder(directory, spec.name);
  const patients = drawPatients(random.fork('patients'), { ...spec, count: spec.patients });
  const slices = await writeCt(patients, { spec, folder, options });
  const spoilt = await writeTables(patients, { spec, folder, options });
  return {
    name: spec.name,
    inventory: { ...countPatients(patients, spoilt), slices, nonHounsfieldSeries: 0 },
    quarantine: expectedQuarantine(spec.faults),
    ...folder.total(),
  };
}

interface Writing {
  spec: HospitalSpec;
  folder: SiteFolder;
  options: WriteHospitalOptions;
}

/** Returns how many usable slices there are. */
async function writeCt(patients: readonly SyntheticPatient[], { spec, folder, options }: Writing): Promise<number> {
  const { commons, onPatient } = options;
  const random = options.random.fork('ct');
  const department: CtDepartment = {
    ...commons,
    institution: spec.institution,
    scanner: spec.scanner,
    noise: drawNoise(random.fork('noise'), spec.scanner.kernelSpread),
    sizePixels: SIZE_PIXELS,
  };
  const imaged = patients.filter(({ has }) => has.ct).map(({ id }) => id);
  const bearers = drawFaultBearers(imaged, random.fork('faults'), { counts: spec.faults });
  let slices = 0;
  // While one patient's files are on their way to the disk, the next patient is painted.
  let writing: Promise<unknown> = Promise.resolve();
  for (const [index, patient] of patients.entries()) {
    if (patient.has.ct) {
      const own = random.fork(patient.id);
      const transferSyntax = spec.transferSyntaxes[index % spec.transferSyntaxes.length]!;
      const exam = makeCtExam(own, { department, patient, transferSyntax });
      const unusable = (bearers.get(patient.id) ?? []).map(({ fault, ordinal }) =>
        makeUnusableFile[fault]({ department, exam, random: own.fork(`${fault} ${ordinal}`), ordinal }),
      );
      slices += exam.files.length;
      const files = [...exam.files, ...unusable];
      await writing;
      writing = Promise.all(files.map((file) => folder.write(`ct/${file.folder}/${file.name}`, file.bytes)));
    }
    onPatient(index + 1);
  }
  await writing;
  return slices;
}

/** Patients whose row or profile nobody can use. */
interface Spoilt {
  rowTooLong: string;
  emptyProfile: string;
}

async function writeTables(patients: readonly SyntheticPatient[], { spec, folder, options }: Writing): Promise<Spoilt> {
  const { random, commons } = options;
  const complete = patients.filter(({ has }) => has.ct && has.clinical && has.expression).map(({ id }) => id);
  const [rowTooLong, rowTooShort, cellNotNumeric, emptyProfile] = random.fork('spoilt rows').shuffle(complete) as [
    string,
    string,
    string,
    string,
  ];
  const clinical = writeClinicalTable(patients, random.fork('clinical'), {
    style: spec.clinical,
    faults: { rowTooLong, rowTooShort, cellNotNumeric },
  });
  await folder.write('clinical.csv', Buffer.from(clinical));
  const expression = writeExpressionTable(patients, random.fork('expression'), {
    programme: commons.programme,
    style: spec.expression,
    emptyProfile,
  });
  await folder.write('expression.tsv', Buffer.from(expression));
  return { rowTooLong, emptyProfile };
}

function countPatients(patients: readonly SyntheticPatient[], { rowTooLong, emptyProfile }: Spoilt) {
  const count = (holds: (patient: SyntheticPatient) => boolean) => patients.filter(holds).length;
  const ct = ({ has }: SyntheticPatient) => has.ct;
  const clinical = ({ id, has }: SyntheticPatient) => has.clinical && id !== rowTooLong;
  const expression = ({ id, has }: SyntheticPatient) => has.expression && id !== emptyProfile;
  return {
    patients: count((patient) => ct(patient) || clinical(patient) || expression(patient)),
    series: count(ct),
    clinical: count(clinical),
    expression: count(expression),
    linked: count((patient) => ct(patient) && (clinical(patient) || expression(patient))),
  };
}
