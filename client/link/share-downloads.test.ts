import { describe, expect, test, vi } from 'vitest';
import { shareDownloads } from './share-downloads.ts';

const hash = 'a'.repeat(64);

/** Fetches that end when the test says so. */
function slowly() {
  const runs: { maximumBytes: number; signal: AbortSignal; end: (file: string) => void }[] = [];
  const downloads = shareDownloads((_, { maximumBytes, signal }) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    signal.addEventListener('abort', () => reject(signal.reason));
    runs.push({ maximumBytes, signal, end: resolve });
    return promise;
  });
  return { runs, downloads };
}

describe('shareDownloads()', () => {
  test('fetches once what several ask for, and anew what is asked for later', async () => {
    const { runs, downloads } = slowly();
    const { signal } = new AbortController();
    const both = [1, 2].map(() => downloads.join(hash, { maximumBytes: 9, signal }));
    await vi.waitFor(() => expect(runs).toHaveLength(1));
    runs[0]!.end('file');
    expect(await Promise.all(both)).toEqual(['file', 'file']);
    const later = downloads.join(hash, { maximumBytes: 9, signal });
    await vi.waitFor(() => expect(runs).toHaveLength(2));
    runs[1]!.end('again');
    expect(await later).toBe('again');
  });

  test('goes on for those who still wait, and stops when nobody does', async () => {
    const { runs, downloads } = slowly();
    const [first, second] = [new AbortController(), new AbortController()];
    const leaving = downloads.join(hash, { maximumBytes: 9, signal: first.signal });
    const staying = downloads.join(hash, { maximumBytes: 9, signal: second.signal });
    await vi.waitFor(() => expect(runs).toHaveLength(1));
    first.abort(new Error('first leaves'));
    await expect(leaving).rejects.toThrow('first leaves');
    expect(runs[0]!.signal.aborted).toBe(false);
    second.abort(new Error('second leaves'));
    await expect(staying).rejects.toThrow('second leaves');
    expect(runs[0]!.signal.aborted).toBe(true);
    // Not the one that is being given up.
    const next = downloads.join(hash, { maximumBytes: 9, signal: new AbortController().signal });
    await vi.waitFor(() => expect(runs).toHaveLength(2));
    runs[1]!.end('file');
    expect(await next).toBe('file');
  });

  test('does not share what may be larger', async () => {
    const { runs, downloads } = slowly();
    const { signal } = new AbortController();
    const small = downloads.join(hash, { maximumBytes: 9, signal });
    const large = downloads.join(hash, { maximumBytes: 90, signal });
    await vi.waitFor(() => expect(runs).toHaveLength(1));
    runs[0]!.end('file');
    await small;
    await vi.waitFor(() => expect(runs).toHaveLength(2));
    expect(runs[1]!.maximumBytes).toBe(90);
    runs[1]!.end('file');
    await large;
  });
});
