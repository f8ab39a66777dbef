import { parseStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import { publicKeys } from '@wardround/shared/crypto/identity.ts';
import { defineCommand } from 'citty';
import { exportStudy } from '../../export/export-study.ts';
import { ledgerHeads } from '../../export/ledger-heads.ts';
import { recordStudy } from '../../export/record-study.ts';
import { readIdentity } from '../../storage/identity-file.ts';
import { stateFolder } from '../../storage/state-folder.ts';
import { stateArgument } from '../arguments.ts';
import { chooseStudy } from '../choose-study.ts';
import { print } from '../print.ts';
import { readStoredStudies } from '../read-state.ts';

export const exportCommand = defineCommand({
  meta: { name: 'export', description: 'Write a study’s report, model card and weights' },
  args: {
    study: { type: 'positional', description: 'The study’s name or hash', required: true },
    out: { type: 'string', description: 'Folder to write to', valueHint: 'DIR', required: true },
    ...stateArgument,
  },
  async run({ args }) {
    const { states, published, audit } = await readStoredStudies(args.state);
    const state = chooseStudy(states, args.study);
    const plan = parseStudyPlan(Buffer.from(await published.read(state.planBlob)).toString());
    const folder = stateFolder(args.state);
    const identity = await readIdentity(folder.identity);
    const ledgers = identity === null || audit === null ? null : ledgerHeads(audit, publicKeys(identity));
    const { files } = await exportStudy(
      { ...recordStudy(state, plan), ledgers },
      { openBlob: published.open, directory: args.out },
    );
    for (const file of files) print(file);
  },
});
