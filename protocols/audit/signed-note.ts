/**
 * Signed notes (C2SP signed-note and tlog-cosignature): a text with signatures under it, each by a named key.
 *
 *   TEXT, whole lines
 *   an empty line
 *   — NAME BASE64(4 bytes that name the key, then the signature)
 *
 * The log signs the text itself. A witness cosigns the text with the time at which it saw it.
 */
import { sha256 } from '@wardround/shared/bytes/hash.ts';
import { signMessage, verifyMessage } from '@wardround/shared/crypto/ed25519.ts';

export interface NoteKey {
  /** Without blanks and plus signs. */
  readonly name: string;
  /** The 32-byte ed25519 key. */
  readonly publicKey: Uint8Array;
}

export interface NoteSigner extends NoteKey {
  /** The 32-byte ed25519 private key. */
  readonly signingSeed: Uint8Array;
}

export interface SignedNote {
  /** What is signed, with its last line break. */
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

/** The line to put under the text. */
export function signNote(text: string, signer: NoteSigner): string {
  return signatureLine(signer, ED25519, signMessage(Buffer.from(text), signer.signingSeed));
}

/** The line of a witness to put under the text. */
export function cosignNote(
  text: string,
  signer: NoteSigner,
  { timeSeconds }: { readonly timeSeconds: number },
): string {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(timeSeconds));
  const signature = signMessage(cosignedMessage(text, BigInt(timeSeconds)), signer.signingSeed);
  return signatureLine(signer, COSIGNATURE, Buffer.concat([time, signature]));
}

export function encodeNote(text: string, lines: readonly string[]): string {
  return `${text}\n${lines.map((line) => `${line}\n`).join('')}`;
}

/** @throws {SyntaxError} when it is not a signed note; the text never appears in the error. */
export function parseNote(note: string): SignedNote {
  const end = note.lastIndexOf('\n\n');
  const lines = note.slice(end + 2).split('\n');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: notes may hold none but line breaks
  if (end === -1 || lines.pop() !== '' || lines.length > 1100 || /[\0-\x09\x0b-\x1f\x7f]/.test(note)) throw notANote();
  return { text: note.slice(0, end + 1), signatures: lines.map(parseSignatureLine) };
}

/** Whether the log with this key signed the note. */
export function isSignedBy(note: SignedNote, key: NoteKey): boolean {
  return signaturesOf(note, key, ED25519).some((signature) =>
    verifyMessage(Buffer.from(note.text), { signature, publicKey: key.publicKey }),
  );
}

/** When the witness with this key cosigned the note, in seconds since 1970; null when it did not. */
export function cosignedAt(note: SignedNote, key: NoteKey): number | null {
  for (const bytes of signaturesOf(note, key, COSIGNATURE)) {
    if (bytes.length !== 72) continue;
    const time = Buffer.from(bytes).readBigUInt64BE();
    const signature = bytes.subarray(8);
    if (verifyMessage(cosignedMessage(note.text, time), { signature, publicKey: key.publicKey })) return Number(time);
  }
  return null;
}

/** @throws {SyntaxError} when the line is not a signature. */
export function parseSignatureLine(line: string): { name: string; bytes: Uint8Array } {
  const match = /^— ([^\s+]{1,200}) ([A-Za-z0-9+/]{4,400}={0,2})$/u.exec(line);
  const bytes = Buffer.from(match?.[2] ?? '', 'base64');
  if (match?.[1] === undefined || bytes.length < 5 || bytes.toString('base64') !== match[2]) throw notANote();
  return { name: match[1], bytes: new Uint8Array(bytes) };
}

/** Signature types of C2SP signed-note. */
const ED25519 = 1;
const COSIGNATURE = 4;

function keyId({ name, publicKey }: NoteKey, type: number): Uint8Array {
  return sha256(Buffer.concat([Buffer.from(`${name}\n`), Uint8Array.of(type), publicKey])).subarray(0, 4);
}

function signatureLine(key: NoteKey, type: number, signature: Uint8Array): string {
  return `— ${key.name} ${Buffer.concat([keyId(key, type), signature]).toString('base64')}`;
}

function cosignedMessage(text: string, timeSeconds: bigint): Uint8Array {
  return Buffer.from(`cosignature/v1\ntime ${timeSeconds}\n${text}`);
}

/** What follows the key's name in each of its signatures. */
function signaturesOf(note: SignedNote, key: NoteKey, type: number): Uint8Array[] {
  const id = keyId(key, type);
  return note.signatures
    .filter(({ name, bytes }) => name === key.name && Buffer.compare(bytes.subarray(0, 4), id) === 0)
    .map(({ bytes }) => bytes.subarray(4));
}

function notANote(): SyntaxError {
  return new SyntaxError(
    'Cannot read the signed note: needed a text, an empty line and signatures, found something else',
  );
}
