/** The thread's side of hash-pieces.ts. */
import { createHash, type Hash } from 'node:crypto';
import { readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { Sha256Hex } from '@wardround/shared/bytes/hash.ts';

export interface HashTask {
  readonly id: number;
  readonly upload: number;
  readonly task: /** Reads on; what is not the announced piece leaves no trace in the whole's hash. */
    | {
        readonly kind: 'add';
        readonly fd: number;
        readonly position: number;
        readonly bytes: number;
        readonly sha256: Sha256Hex;
      }
    | { readonly kind: 'digest' }
    | { readonly kind: 'forget' };
}

export interface HashAnswer {
  readonly id: number;
  /** Whether the piece was the announced one, or the whole's hash. */
  readonly result?: boolean | Sha256Hex;
  readonly error?: string;
}

const buffer = Buffer.allocUnsafeSlow(1 << 20);
/** The hash of each upload's pieces so far. */
const wholes = new Map<number, Hash>();

/** Both hashes in one pass, while the bytes are in the cache. */
function add(upload: number, { fd, position, bytes, sha256 }: Extract<HashTask['task'], { kind: 'add' }>): boolean {
  const whole = (wholes.get(upload) ?? createHash('sha256')).copy();
  const piece = createHash('sha256');
  for (let done = 0; done < bytes; ) {
    const read = readSync(fd, buffer, 0, Math.min(buffer.length, bytes - done), position + done);
    if (read === 0) return false;
    const part = buffer.subarray(0, read);
    piece.update(part);
    whole.update(part);
    done += read;
  }
  if (piece.digest('hex') !== sha256) return false;
  wholes.set(upload, whole);
  return true;
}

function perform({ upload, task }: HashTask): boolean | Sha256Hex {
  switch (task.kind) {
    case 'add':
      return add(upload, task);
    case 'digest':
      return (wholes.get(upload) ?? createHash('sha256')).copy().digest('hex');
    case 'forget':
      return wholes.delete(upload);
  }
}

parentPort?.on('message', (request: HashTask) => {
  try {
    parentPort?.postMessage({ id: request.id, result: perform(request) } satisfies HashAnswer);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    parentPort?.postMessage({ id: request.id, error: code ?? 'unknown' } satisfies HashAnswer);
  }
});
