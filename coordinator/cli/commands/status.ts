import { defineCommand } from 'citty';
import type { StudiesAnswer, StudyAnswer } from '../../edge/admin-messages.ts';
import { type StudyStatus, studyStatus } from '../../rounds/study-status.ts';
import { type AdminClient, openAdminClient } from '../admin-client.ts';
import { jsonArgument, stateArgument } from '../arguments.ts';
import { chooseStudy } from '../choose-study.ts';
import { describeStudy } from '../describe-study.ts';
import { UnreachableError } from '../exit-codes.ts';
import { print } from '../print.ts';
import { readStoredStudies } from '../read-state.ts';

export const status = defineCommand({
  meta: { name: 'status', description: 'Show studies: where they are, and whom they wait for and why' },
  args: {
    study: { type: 'positional', description: 'A study’s name or hash; without it, all', required: false },
    ...stateArgument,
    ...jsonArgument,
  },
  async run({ args }) {
    const running = await openAdminClient(args.state).then(askRunning).catch(notIfUnreachable);
    const { studies, find } = running ?? (await readStopped(args.state));
    if (args.study === undefined) {
      if (args.json) return print(JSON.stringify({ running: running !== null, studies }, null, 2));
      if (running === null) print('The coordinator is not running.');
      if (studies.length === 0)
        print('There are no studies. Launch one with "wardround-coordinator study launch FILE".');
      for (const study of studies) for (const line of describeStudy(study, Date.now())) print(line);
      return;
    }
    const answer = await find(chooseStudy(studies, args.study).study);
    if (args.json) return print(JSON.stringify({ running: running !== null, ...answer }, null, 2));
    for (const line of describeStudy(answer.status, Date.now())) print(line);
  },
});

interface Known {
  readonly studies: readonly StudyStatus[];
  readonly find: (study: string) => Promise<StudyAnswer>;
}

async function askRunning(admin: AdminClient): Promise<Known> {
  const { studies } = await admin.get<StudiesAnswer>('/v1/admin/studies');
  return { studies, find: (study) => admin.get(`/v1/admin/studies/${study}`) };
}

async function readStopped(state: string): Promise<Known> {
  const { states } = await readStoredStudies(state);
  const answers = states.map((stored) => ({ state: stored, status: studyStatus(stored, unseen()) }));
  return {
    studies: answers.map((answer) => answer.status),
    find: async (study) => answers.find((answer) => answer.state.study === study)!,
  };
}

const unseen = () => ({
  nowMillis: Date.now(),
  sighting: () => ({
    connected: false,
    heardMillis: null,
    progress: null,
    progressAtMillis: null,
    progressSinceMillis: null,
    isWaiting: false,
  }),
});

function notIfUnreachable(error: unknown): null {
  if (error instanceof UnreachableError) return null;
  throw error;
}
