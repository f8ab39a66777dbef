/**
 * Checkpoints of the coordinator's log (C2SP tlog-checkpoint): its size and Merkle root, signed by the coordinator and
 * cosigned by the sites that saw it follow from the one before.
 */
import { decodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';
import type { TreeHead } from '@wardround/shared/crypto/merkle-tree.ts';
import { isSignedBy, type NoteKey, parseNote, type SignedNote } from './signed-note.ts';

/** Who a log belongs to. */
export interface LogIdentity {
  /** The coordinator's. */
  readonly fingerprint: Sha256Hex;
  /** The coordinator's ed25519 key, base64url. */
  readonly signingKey: string;
}

export interface Checkpoint extends TreeHead {
  readonly note: SignedNote;
}

/** The key under which the coordinator signs its log; its name is the log's origin. */
export function logKey({ fingerprint, signingKey }: LogIdentity): NoteKey {
  return { name: `wardround/${fingerprint}`, publicKey: decodeBase64Url(signingKey, { length: 32 }) };
}

/** The key under which a site cosigns the coordinator's log. */
export function witnessKey(log: Pick<LogIdentity, 'fingerprint'>, site: { site: string; signingKey: string }): NoteKey {
  const name = `wardround/${log.fingerprint}/${site.site}`;
  return { name, publicKey: decodeBase64Url(site.signingKey, { length: 32 }) };
}

/** What is signed of a log with this head. */
export function checkpointText({ size, root }: TreeHead, origin: string): string {
  return `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`;
}

/**
 * Reads a checkpoint of the log and checks the coordinator's signature.
 *
 * @throws {SyntaxError} when it is none, belongs to another log or is not signed by its coordinator.
 */
export function openCheckpoint(text: string, log: LogIdentity): Checkpoint {
  const note = parseNote(text);
  const [origin, size = '', root = '', end, ...more] = note.text.split('\n');
  const bytes = Buffer.from(root, 'base64');
  const isForm = /^(?:0|[1-9][0-9]{0,14})$/.test(size) && bytes.length === 32 && bytes.toString('base64') === root;
  const key = logKey(log);
  if (!isForm || end !== '' || more.length > 0 || origin !== key.name || !isSignedBy(note, key)) {
    throw new SyntaxError(
      "Cannot believe the checkpoint: needed the head of this coordinator's log with its signature, found something else",
    );
  }
  return { size: Number(size), root: new Uint8Array(bytes), note };
}
