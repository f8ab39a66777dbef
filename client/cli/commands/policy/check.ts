import { readFile } from 'node:fs/promises';
import { defineCommand } from 'citty';
import { SitePolicy } from '../../../policy/site-policy.ts';
import { UsageError } from '../../exit-codes.ts';
import { policyLines } from './policy-lines.ts';

/** @throws {UsageError} that names what is wrong, by the policy's own names only. */
async function readPolicyFile(path: string): Promise<SitePolicy> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    throw new UsageError('Cannot use the policy: a file that holds JSON is needed. Check the path and the commas.');
  }
  const parsed = SitePolicy.safeParse(json);
  if (parsed.success) return parsed.data;
  const known = Object.keys(SitePolicy.shape);
  const places = parsed.error.issues.map(({ path: [name], code }) =>
    known.includes(String(name))
      ? String(name)
      : code === 'unrecognized_keys'
        ? 'a setting that does not exist'
        : 'its form',
  );
  throw new UsageError(
    `Cannot use the policy: look at ${[...new Set(places)].join(', ')}. There are: ${known.join(', ')}.`,
  );
}

export const check = defineCommand({
  meta: {
    name: 'check',
    description: 'Reads a policy file as the client would, before it is put into the site’s folder',
  },
  args: { file: { type: 'positional', required: true, description: 'The policy file' } },
  async run({ args }) {
    const policy = await readPolicyFile(args.file);
    for (const line of policyLines(policy)) console.log(line);
    console.log('The policy can be used.');
  },
});
