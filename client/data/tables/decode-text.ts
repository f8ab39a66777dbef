/** The text of a table whose encoding nobody wrote down. */
export interface DecodedText {
  readonly text: string;
  /** False when the bytes were no UTF-8 and were read as Windows-1252, which is what spreadsheets in Europe write. */
  readonly unicode: boolean;
}

export function decodeText(bytes: Uint8Array): DecodedText {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { text: new TextDecoder('utf-16le').decode(bytes), unicode: true };
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return { text: new TextDecoder('utf-16be').decode(bytes), unicode: true };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), unicode: true };
  } catch {
    return { text: new TextDecoder('windows-1252').decode(bytes), unicode: false };
  }
}
