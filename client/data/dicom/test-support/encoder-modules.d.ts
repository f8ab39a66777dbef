/** The encoding half of the WebAssembly codecs, which only tests use. */
interface WebAssemblyEncoder {
  getDecodedBuffer(frame: {
    width: number;
    height: number;
    bitsPerSample: number;
    componentCount: number;
    isSigned: boolean;
  }): Uint8Array;
  getEncodedBuffer(): Uint8Array;
  encode(): void;
  delete(): void;
}

declare module '@cornerstonejs/codec-charls/wasmjs' {
  export default function createCodec(options: CodecOptions): Promise<{ JpegLSEncoder: new () => WebAssemblyEncoder }>;
}

declare module '@cornerstonejs/codec-openjpeg/wasmjs' {
  export default function createCodec(options: CodecOptions): Promise<{
    J2KEncoder: new () => WebAssemblyEncoder & { setQuality(lossless: boolean, quantisation: number): void };
  }>;
}

declare module '@cornerstonejs/codec-libjpeg-turbo-8bit/wasmjs' {
  export default function createCodec(options: CodecOptions): Promise<{
    JPEGEncoder: new () => WebAssemblyEncoder & {
      setQuality(percent: number): void;
      setProgressive(on: boolean): void;
    };
  }>;
}
