import { StudyPlan } from '@wardround/protocols/study/plan.ts';
import { defineCommand } from 'citty';
import { type InspectionReport, inspectDirectory, PLAN_FOR_LOOKING } from '../../data/inspect.ts';
import { UsageError } from '../exit-codes.ts';
import { requireFolder } from '../options.ts';

function planOfSize(text: string) {
  const sizePixels = StudyPlan.shape.imaging.shape.sizePixels.safeParse(Number(text));
  if (!sizePixels.success) {
    throw new UsageError('Cannot inspect: --size must be a multiple of 16 from 32 to 512 pixels.');
  }
  return { ...PLAN_FOR_LOOKING, imaging: { ...PLAN_FOR_LOOKING.imaging, sizePixels: sizePixels.data } };
}

function reportLines({ images, clinical, expression, inventory, quarantine, notes }: InspectionReport): string[] {
  const syntaxes = Object.entries(images?.transferSyntaxes ?? {}).map(([name, count]) => `${count} ${name}`);
  return [
    images === null
      ? 'CT          no ct folder'
      : `CT          ${images.files} files: ${images.patients} patients, ${images.axialSeries} axial series, ${images.axialSlices} axial slices`,
    ...(syntaxes.length === 0 ? [] : [`            ${syntaxes.join(', ')}`]),
    clinical === null
      ? 'Clinical    no clinical table'
      : `Clinical    ${clinical.rows} rows, ${clinical.columns} columns: ${clinical.numericInputs} numeric and ${clinical.categoricalInputs} categorical inputs`,
    expression === null
      ? 'Expression  no expression table'
      : `Expression  ${expression.profiles} profiles of ${expression.genes} genes`,
    `Usable      ${inventory.patients} patients, ${inventory.linked} with CT and another modality; ${inventory.series} series, ${inventory.slices} slices`,
    ...(quarantine.length === 0 ? ['Left out    nothing'] : ['Left out']),
    ...quarantine.map(({ reason, count, meaning }) => `  ${String(count).padStart(6)}  ${reason}: ${meaning}`),
    ...(notes.length === 0 ? [] : ['Notes']),
    ...notes.map((note) => `  ${note}`),
  ];
}

export const inspect = defineCommand({
  meta: {
    name: 'inspect',
    description: 'Reads a data folder as a study would and says what can be used; connects to nobody, names no patient',
  },
  args: {
    directory: {
      type: 'positional',
      required: true,
      description: 'The folder with ct/, clinical.csv and expression.tsv',
    },
    json: { type: 'boolean', description: 'As one JSON object', default: false },
    size: { type: 'string', description: 'Decode slices to this size', valueHint: 'PIXELS' },
  },
  async run({ args }) {
    const directory = await requireFolder(args.directory, 'DIRECTORY');
    const report = await inspectDirectory({
      directory,
      ...(args.size === undefined ? {} : { plan: planOfSize(args.size) }),
    });
    if (args.json) console.log(JSON.stringify(report));
    else for (const line of reportLines(report)) console.log(line);
  },
});
