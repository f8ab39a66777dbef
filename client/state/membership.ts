/** What the site settled when it joined: its name, its coordinator and where its data lie. */
import { Slug } from '@wardround/protocols/names.ts';
import { z } from 'zod';
import { PinnedCoordinator } from '../link/pinned-coordinator.ts';
import { readStateFile, type StateFile, writeStateFile } from './state-file.ts';

const Membership = z.strictObject({
  format: z.literal('wardround-site/1'),
  site: Slug,
  coordinator: PinnedCoordinator,
  dataDirectory: z.string().min(1),
});
export type Membership = z.infer<typeof Membership>;

const MEMBERSHIP: StateFile<Membership> = {
  name: 'site.json',
  schema: Membership,
  remedy: 'Restore it from a backup, or join again with a new invitation.',
};

/** Null when the site has not joined. */
export function readMembership(folder: string): Promise<Membership | null> {
  return readStateFile(folder, MEMBERSHIP);
}

export function writeMembership(folder: string, membership: Omit<Membership, 'format'>): Promise<void> {
  return writeStateFile(folder, MEMBERSHIP, { format: 'wardround-site/1', ...membership });
}
