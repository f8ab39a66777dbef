/** What an audit can find wrong, and how it is said to people. */
import type { ChainFault } from '@wardround/shared/crypto/hash-chain.ts';

export interface AuditFault {
  readonly kind: ChainFault['kind'] | 'truncated' | 'rolled-back' | 'bad-signature' | 'mismatch';
  /** What is wrong, where, and what it means. */
  readonly sentence: string;
}

const CHAIN_SENTENCES: Readonly<Record<ChainFault['kind'], (line: number, file: string) => string>> = {
  unreadable: (line, file) => `Line ${line} of ${file} is not a record: it was damaged or overwritten.`,
  edited: (line, file) =>
    `The record in line ${line} of ${file} was edited after it was written: its hash does not fit.`,
  deleted: (line, file) => `A record was deleted before line ${line} of ${file}: its number is missing.`,
  reordered: (line, file) =>
    `Records of ${file} were reordered: line ${line} holds a later record than should stand there.`,
  forked: (line, file) => `The history in ${file} is forked: line ${line} has the number of a record before it.`,
};

export function chainFault({ kind, line }: ChainFault, file: string): AuditFault {
  return { kind, sentence: CHAIN_SENTENCES[kind](line, file) };
}
