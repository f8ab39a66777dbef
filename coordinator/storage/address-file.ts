/** Where the running coordinator listens, so that the command line on the same machine finds it. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';

const Address = z.strictObject({
  /** For this machine; sites use the public address. */
  url: z.url({ protocol: /^https?$/ }),
  /** The certificate to expect with https. */
  certificateFile: z.string().nullable(),
});
export type Address = z.infer<typeof Address>;

export async function writeAddress(file: string, address: Address): Promise<void> {
  await writeFile(`${file}.part`, `${JSON.stringify(address)}\n`, { mode: 0o600 });
  await rename(`${file}.part`, file);
}

/** Null when no coordinator has left its address; one that was killed leaves an address where nobody answers. */
export async function readAddress(file: string): Promise<Address | null> {
  try {
    return Address.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return null;
  }
}

export async function removeAddress(file: string): Promise<void> {
  await rm(file, { force: true });
}
