/** What a robust rule makes of all updates, read piece by piece so that they need not fit into memory together. */
import { coordinateMedian, trimmedMean } from './coordinate-wise.ts';
import { addSquaredDistances, orderByKrum } from './krum.ts';
import { type RobustRule, requireEnoughUpdates } from './robust-rule.ts';

/** Updates that can be read in pieces, as often as asked. */
export interface UpdatePieces {
  /** How many updates there are. */
  readonly updates: number;
  /** Coordinates of each. */
  readonly size: number;
  /** The coordinates from `offset` on of each update, in the same order at each call. */
  read(offset: number, length: number): Promise<readonly Float32Array[]>;
}

export interface RobustMean {
  /** Takes the place of the mean update. */
  readonly mean: Float32Array;
  /** Indices of the updates that Krum chose, ascending; null for rules by coordinate. */
  readonly chosen: readonly number[] | null;
}

/**
 * @param options.pieceLength coordinates of each update in memory at a time; it changes no bit of the result.
 * @throws {RangeError} when there are too few updates for the rule.
 */
export async function robustMean(
  pieces: UpdatePieces,
  { rule, pieceLength }: { readonly rule: RobustRule; readonly pieceLength: number },
): Promise<RobustMean> {
  const { updates, size } = pieces;
  requireEnoughUpdates(rule, updates);
  const mean = new Float32Array(size);
  const each = async (visit: (piece: readonly Float32Array[], offset: number) => void): Promise<void> => {
    for (let offset = 0; offset < size; offset += pieceLength) {
      visit(await pieces.read(offset, Math.min(pieceLength, size - offset)), offset);
    }
  };

  switch (rule.kind) {
    case 'median':
      await each((piece, offset) => mean.set(coordinateMedian(piece), offset));
      return { mean, chosen: null };
    case 'trimmed-mean':
      await each((piece, offset) => mean.set(trimmedMean(piece, { trim: rule.faulty }), offset));
      return { mean, chosen: null };
    case 'krum':
    case 'multi-krum': {
      const distances = new Float64Array(updates * updates);
      await each((piece) => addSquaredDistances(distances, piece));
      const kept = rule.kind === 'krum' ? 1 : updates - rule.faulty - 2;
      const chosen = orderByKrum(distances, rule)
        .slice(0, kept)
        .sort((a, b) => a - b);
      await each((piece, offset) =>
        mean.set(
          trimmedMean(
            chosen.map((update) => piece[update]!),
            { trim: 0 },
          ),
          offset,
        ),
      );
      return { mean, chosen };
    }
    default:
      throw new TypeError(`Cannot aggregate: there is no rule ${rule satisfies never}`);
  }
}

/** Updates that are in memory. */
export function piecesOf(updates: readonly Float32Array[]): UpdatePieces {
  const size = updates[0]?.length ?? 0;
  const other = updates.find(({ length }) => length !== size);
  if (other !== undefined) {
    throw new RangeError(`Cannot aggregate: all updates need the first one's ${size} numbers, found ${other.length}`);
  }
  return {
    updates: updates.length,
    size,
    read: async (offset, length) => updates.map((update) => update.subarray(offset, offset + length)),
  };
}
