/**
 * Starts work on numbered pieces a few ahead of where their results are used, and uses the results in order. Memory for a
 * piece is free again when its result was used: of `ahead` places, piece i has number i modulo `ahead`.
 *
 * Resolves, or fails, only when nothing that was started is still running.
 *
 * @param options `finish` says whether to go on.
 */
export async function inOrder<Result>(options: {
  readonly pieces: number;
  readonly ahead: number;
  readonly start: (piece: number) => Promise<Result>;
  readonly finish: (result: Result, piece: number) => Promise<boolean>;
}): Promise<void> {
  const { pieces, ahead, start, finish } = options;
  const running: Promise<Result>[] = [];
  let started = 0;
  try {
    for (let piece = 0; piece < pieces; piece += 1) {
      for (; started < Math.min(pieces, piece + ahead); started += 1) {
        const result = start(started);
        // Looked at in its turn; until then a failure is nobody's surprise.
        result.catch(() => undefined);
        running.push(result);
      }
      if (!(await finish(await running[0]!, piece))) return;
      running.shift();
    }
  } finally {
    await Promise.allSettled(running);
  }
}
