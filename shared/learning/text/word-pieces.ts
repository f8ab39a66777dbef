import { basicTokens } from './basic-tokens.ts';
import type { Vocabulary } from './vocabulary.ts';

/** BERT's limit: what is longer is no word, and looking for its pieces would take long. */
const mostCharacters = 100;

/** The ids of a text's pieces in their order, without [CLS] and [SEP]. Special tokens written in the text are text. */
export function wordPieceIds(text: string, vocabulary: Vocabulary): number[] {
  return basicTokens(text).flatMap((word) => idsOfWord(word, vocabulary));
}

/** The longest piece that fits, then the longest that continues it, and so on; [UNK] when none does. */
function idsOfWord(word: string, { ids, unknownId, longestToken }: Vocabulary): number[] {
  const characters = Array.from(word);
  if (characters.length > mostCharacters) return [unknownId];
  const found: number[] = [];
  for (let start = 0; start < characters.length; ) {
    const prefix = start === 0 ? '' : '##';
    let end = Math.min(characters.length, start + longestToken);
    let id: number | undefined;
    while (end > start) {
      id = ids.get(prefix + characters.slice(start, end).join(''));
      if (id !== undefined) break;
      end -= 1;
    }
    if (id === undefined) return [unknownId];
    found.push(id);
    start = end;
  }
  return found;
}
