/** The part of the WebAssembly codecs that is used; the packages come without types. */
interface WebAssemblyDecoder {
  /** A view of the codec's memory of the given length, to be filled before `decode`. */
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  /** A view of the codec's memory, valid until `delete`. */
  getDecodedBuffer(): Uint8Array;
  getFrameInfo(): { width: number; height: number; bitsPerSample: number; componentCount: number; isSigned?: boolean };
  delete(): void;
}

interface CodecOptions {
  print(text: string): void;
  printErr(text: string): void;
}

declare module '@cornerstonejs/codec-charls/decodewasmjs' {
  export default function createCodec(options: CodecOptions): Promise<{ JpegLSDecoder: new () => WebAssemblyDecoder }>;
}

declare module '@cornerstonejs/codec-openjpeg/decodewasmjs' {
  export default function createCodec(options: CodecOptions): Promise<{ J2KDecoder: new () => WebAssemblyDecoder }>;
}

declare module '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs' {
  export default function createCodec(options: CodecOptions): Promise<{ JPEGDecoder: new () => WebAssemblyDecoder }>;
}
