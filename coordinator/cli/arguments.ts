/** Arguments that several commands share. */
import { defaultStateFolder } from '../storage/state-folder.ts';

export const stateArgument = {
  state: {
    type: 'string',
    description: 'The coordinator’s state folder',
    valueHint: 'DIR',
    default: defaultStateFolder,
  },
} as const;

export const jsonArgument = {
  json: { type: 'boolean', description: 'Print JSON for programs', default: false },
} as const;
