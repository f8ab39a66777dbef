/**
 * The vocabulary of a WordPiece tokenizer, as BERT's `vocab.txt` holds it: one token a line, its id the line's number from
 * 0. All sites of a study use the same file, which the study plan names by its hash.
 */

export interface Vocabulary {
  /** Token to id. Pieces that continue a word begin with `##`. */
  readonly ids: ReadonlyMap<string, number>;
  readonly size: number;
  readonly paddingId: number;
  readonly unknownId: number;
  readonly classId: number;
  readonly separatorId: number;
  /** In characters, without `##`: no longer piece need be looked for. */
  readonly longestToken: number;
}

/**
 * Reads a vocabulary strictly, because a wrong line would shift the ids after it.
 *
 * @throws {SyntaxError} when the bytes are not UTF-8, a line is empty, holds white space or repeats another, or one of
 * [PAD], [UNK], [CLS] and [SEP] is missing.
 */
export function readVocabulary(bytes: Uint8Array): Vocabulary {
  const lines = decode(bytes)
    .replace(/\r?\n$/, '')
    .split(/\r?\n/);
  const ids = new Map<string, number>();
  lines.forEach((token, id) => {
    const problem = token === '' ? 'is empty' : /\s/.test(token) ? 'holds white space' : null;
    if (problem !== null) throw new SyntaxError(`Cannot read the vocabulary: line ${id + 1} ${problem}`);
    const earlier = ids.get(token);
    if (earlier !== undefined) {
      throw new SyntaxError(`Cannot read the vocabulary: line ${id + 1} repeats line ${earlier + 1}`);
    }
    ids.set(token, id);
  });
  const special = (token: string) => {
    const id = ids.get(token);
    if (id === undefined) throw new SyntaxError(`Cannot read the vocabulary: it has no line "${token}"`);
    return id;
  };
  return {
    ids,
    size: ids.size,
    paddingId: special('[PAD]'),
    unknownId: special('[UNK]'),
    classId: special('[CLS]'),
    separatorId: special('[SEP]'),
    longestToken: lines.reduce((longest, token) => Math.max(longest, charactersOf(token)), 0),
  };
}

function charactersOf(token: string): number {
  return Array.from(token.replace(/^##/, '')).length;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new SyntaxError('Cannot read the vocabulary: it must be UTF-8 text, one token a line');
  }
}
