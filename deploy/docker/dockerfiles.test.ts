/** Images cannot be built in a test; what can be held without building them is, and the program runs from what is copied. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import root from '../../package.json' with { type: 'json' };

const checkout = path.resolve(import.meta.dirname, '../..');
const images = [
  { name: 'coordinator', program: 'wardround-coordinator' },
  { name: 'site', program: 'wardround-site' },
] as const;

/** The instructions, continued lines joined, by their first words. */
function instructionsOf(text: string, keyword: string): string[] {
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
  return lines.filter((line) => line.startsWith(`${keyword} `)).map((line) => line.slice(keyword.length + 1));
}

/** What the image has of the checkout: every word but the last of each COPY that is from no other stage. */
function copiedOf(text: string): string[] {
  const copies = instructionsOf(text, 'COPY').filter((words) => !words.startsWith('--from='));
  return [...new Set(copies.flatMap((words) => words.split(/\s+/).slice(0, -1)))];
}

/** Packages as `npm ci` left them in the checkout; the project's own workspaces are those that were copied, and no others. */
async function linkPackages(folder: string): Promise<void> {
  const packages = path.join(checkout, 'node_modules');
  await mkdir(path.join(folder, 'node_modules/@wardround'), { recursive: true });
  for (const entry of await readdir(packages)) {
    if (entry !== '@wardround') await symlink(path.join(packages, entry), path.join(folder, 'node_modules', entry));
  }
  for (const workspace of root.workspaces.filter((name) => existsSync(path.join(folder, name)))) {
    await symlink(path.join(folder, workspace), path.join(folder, 'node_modules/@wardround', workspace));
  }
}

describe.each(images)('the image of $program', ({ name, program }) => {
  const file = path.join(import.meta.dirname, `${name}.Dockerfile`);

  test('builds on Debian slim with the very Node that the project pins', async () => {
    const bases = instructionsOf(await readFile(file, 'utf8'), 'FROM').map((words) => words.split(' ')[0]);
    expect(new Set(bases)).toEqual(new Set([`node:${root.dependencies.node}-bookworm-slim`]));
  });

  test('copies what is there and what its .dockerignore lets through, and no secrets', async () => {
    const copied = copiedOf(await readFile(file, 'utf8'));
    const ignored = (await readFile(`${file}.dockerignore`, 'utf8')).split('\n');
    expect(ignored.filter((line) => line !== '' && !line.startsWith('#'))[0]).toBe('*');
    for (const source of copied) {
      await stat(path.join(checkout, source));
      const parts = source.replace(/\/$/, '').split('/');
      const isLet = parts.some((_, end) => ignored.includes(`!${parts.slice(0, end + 1).join('/')}`));
      expect([source, isLet]).toEqual([source, true]);
    }
    for (const secret of ['**/*.pem', '**/.env*', '**/identity.json', '**/*.sqlite*'])
      expect(ignored).toContain(secret);
  });

  test('runs as nobody in particular, from what the image copies', async () => {
    const text = await readFile(file, 'utf8');
    expect(instructionsOf(text, 'USER')).toEqual(['10001:10001']);
    expect(instructionsOf(text, 'ENTRYPOINT')).toEqual([`["${program}"]`]);
    const [, link = ''] = /ln -s \/app\/(\S+)/.exec(text) ?? [];
    const last = text.slice(text.lastIndexOf('FROM '));
    const folder = await mkdtemp(path.join(tmpdir(), 'image-'));
    try {
      for (const source of copiedOf(last)) {
        await cp(path.join(checkout, source), path.join(folder, source), {
          recursive: true,
          filter: (from) => !/node_modules|\.test\.ts$|test-vectors/.test(path.relative(checkout, from)),
        });
      }
      await linkPackages(folder);
      const { status, stdout } = spawnSync(process.execPath, [path.join(folder, link), '--help'], { encoding: 'utf8' });
      expect([status, stdout]).toEqual([0, expect.stringContaining('start')]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('coordinator.Dockerfile', () => {
  test('asks an address that the coordinator has, on its port, for its health', async () => {
    const text = await readFile(path.join(import.meta.dirname, 'coordinator.Dockerfile'), 'utf8');
    const [port] = instructionsOf(text, 'EXPOSE');
    const [check = ''] = instructionsOf(text, 'HEALTHCHECK');
    expect(check).toContain(`http://127.0.0.1:${port}/v1/health`);
    const routes = await readFile(path.join(checkout, 'coordinator/edge/health-routes.ts'), 'utf8');
    expect(routes).toContain("router.get('/v1/health'");
    const command = JSON.parse(/CMD (\[.*\])/.exec(check)?.[1] ?? '[]') as string[];
    const nobody = command.at(-1)!.replace(String(port), '1');
    expect(spawnSync(process.execPath, ['-e', nobody]).status).toBe(1);
  });
});
