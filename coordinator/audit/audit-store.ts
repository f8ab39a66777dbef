/** Where the audit log lies: a file of the one coordinator that writes it, or a table that replicas share. */
import type { CheckpointFolder } from './checkpoint-folder.ts';

export interface AuditStore {
  /** Whether others write to it too. */
  readonly isShared: boolean;
  /** What is to be restored when it is damaged. */
  readonly place: string;
  /** The whole lines from that one on, without line breaks. */
  read(from: number): Promise<string[]>;
  /**
   * Resolves when the lines are durable, all or none.
   *
   * @throws {AuditConflictError} when the log has other lines than the writer has seen.
   */
  append(lines: readonly string[], place: { readonly position: number; readonly before: string | null }): Promise<void>;
  readonly checkpoints: CheckpointStore;
  close(): Promise<void>;
}

export interface CheckpointStore extends Omit<CheckpointFolder, 'put'> {
  /** Resolves when the note is durable. @returns the one that is stored: an earlier one of this size stays. */
  add(size: number, note: string): Promise<string>;
  /** Adds a signature's line to the note of this size. @returns the note. */
  sign(size: number, line: string): Promise<string>;
}

/** Another replica has written to the log. */
export class AuditConflictError extends Error {
  override readonly name = 'AuditConflictError';
}
