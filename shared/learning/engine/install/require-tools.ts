import { findCompiler } from './compile-binding.ts';
import { runTool } from './run-tool.ts';

/**
 * Asks for all programs that an installation needs before its first download. Resolves to the C++ compiler.
 *
 * @throws {Error} that names what is missing and how to get it.
 */
export async function requireTools(signal: AbortSignal | undefined): Promise<string> {
  const refuse = (what: string, found: string, remedy: string) =>
    new Error(`Cannot install TensorFlow: ${what} is needed, but ${found}. ${remedy} Then run the installation again.`);
  const pip = await runTool(['python3', '-m', 'pip', '--version'], { timeoutMillis: 60_000, signal });
  if (!pip.ok) {
    throw refuse(
      'Python 3 with pip',
      pip.missing ? 'there is no python3 on the PATH' : `"python3 -m pip" ${pip.problem}`,
      'Install it (on Debian: apt-get install python3-pip).',
    );
  }
  const npm = await runTool(['npm', '--version'], { timeoutMillis: 60_000, signal });
  if (!npm.ok) throw refuse('npm', `it ${npm.problem}`, 'Put npm on the PATH.');
  const compiler = await findCompiler(signal);
  if (compiler !== null) return compiler;
  throw refuse(
    'a C++ compiler',
    'there is no c++, g++ or clang++ on the PATH',
    'Install one (on Debian: apt-get install g++).',
  );
}
