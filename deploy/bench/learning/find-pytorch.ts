import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface PyTorch {
  readonly python: string;
  readonly hasCuda: boolean;
}

const question = 'import torch, timm; print("cuda" if torch.cuda.is_available() else "cpu")';

/** The first Python with torch and timm: the one that PYTHON names, or what the shell knows; null if there is none. */
export async function findPyTorch(signal: AbortSignal): Promise<PyTorch | null> {
  const named = process.env['PYTHON'];
  for (const python of named ? [named] : ['python3', 'python']) {
    const asked = await promisify(execFile)(python, ['-c', question], { signal, timeout: 120_000 }).catch(() => null);
    signal.throwIfAborted();
    if (asked !== null) return { python, hasCuda: asked.stdout.trim().endsWith('cuda') };
  }
  return null;
}
