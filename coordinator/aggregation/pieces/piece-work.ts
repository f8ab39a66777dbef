/** What the threads of piece-threads.ts can be asked for. */
import { hashFile, hashMaskedVector, inspectUpdateVector } from './inspect-vector.ts';
import { movePiece, type PieceSlot, type SumJob } from './move-piece.ts';

export const pieceWork = {
  hashFile,
  hashMaskedVector,
  inspectUpdateVector,
  movePiece: (
    { piece, slot }: { readonly piece: number; readonly slot: PieceSlot },
    job: SumJob | null,
  ): ReturnType<typeof movePiece> => {
    if (job === null) throw new TypeError('Cannot move a piece: the sum that it is of was not named');
    return movePiece(job, { piece, slot });
  },
};

type PieceWork = typeof pieceWork;
export type PieceTask = keyof PieceWork;
export type PieceRequest<Task extends PieceTask> = Parameters<PieceWork[Task]>[0];
export type PieceAnswer<Task extends PieceTask> = ReturnType<PieceWork[Task]>;

export interface PieceMessage {
  readonly id: number;
  /** Null takes the last job's secrets out of the thread's memory. */
  readonly task: PieceTask | null;
  // biome-ignore lint/suspicious/noExplicitAny: the thread's own other side wrote it, for the task it names
  readonly request: any;
  /** Sent with the first piece of it that the thread is given. */
  readonly job?: SumJob;
}

export interface PieceReply {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: Error;
}
