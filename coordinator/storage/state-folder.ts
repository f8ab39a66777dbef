/** What lies where in the coordinator's state folder. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';

export const defaultStateFolder = './wardround-coordinator';

export interface StateFolder {
  readonly root: string;
  /** The coordinator's secret keys; readable by its user only. */
  readonly identity: string;
  readonly database: string;
  /** Sequence numbers that sites have used, and the database does not know of yet. */
  readonly sequences: string;
  readonly lock: string;
  /** Where the running coordinator listens, for the command line. */
  readonly address: string;
  /** Where the blobs are, for the command line, when they are not here. */
  readonly blobStore: string;
  /** Plans and weights: what sites may download. */
  readonly published: string;
  /** Sealed updates that have not been added yet. */
  readonly uploads: string;
  /** Memories of server optimisers. */
  readonly optimiserStates: string;
  /** Signed messages of secure-aggregation sessions, until their round is committed. */
  readonly sessions: string;
  /** The audit log and its checkpoints. */
  readonly audit: string;
}

export function stateFolder(folder: string): StateFolder {
  const root = path.resolve(folder);
  return {
    root,
    ...blobFolders(root),
    identity: path.join(root, 'identity.json'),
    database: path.join(root, 'coordinator.sqlite'),
    sequences: path.join(root, 'used-sequences'),
    lock: path.join(root, 'lock.sqlite'),
    address: path.join(root, 'address.json'),
    blobStore: path.join(root, 'blob-store'),
    audit: path.join(root, 'audit'),
  };
}

/** The folders of blobs, in the state folder or on a volume of their own. */
export function blobFolders(root: string): Pick<StateFolder, 'published' | 'uploads' | 'optimiserStates' | 'sessions'> {
  return {
    published: path.join(root, 'published'),
    uploads: path.join(root, 'uploads'),
    optimiserStates: path.join(root, 'optimiser-states'),
    sessions: path.join(root, 'sessions'),
  };
}

/** Makes the folders that are missing, for this user only. */
export async function createStateFolder(folder: StateFolder): Promise<void> {
  for (const directory of [folder.root, folder.published, folder.uploads, folder.optimiserStates, folder.sessions]) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  }
}
