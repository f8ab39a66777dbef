/** The child's side of line-process.ts: answers each line in its turn and ends with whoever asks. */
import { createInterface } from 'node:readline';

export function say(answer: unknown): void {
  console.log(`@${JSON.stringify(answer)}`);
}

/** @param answer of a line; the process ends where it is undefined. What it throws ends the process, with its stack for whoever asked. */
export function answerLines(answer: (line: string) => Promise<unknown>): void {
  let last: Promise<unknown> = Promise.resolve();
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      last = last.then(async () => {
        const answered = await answer(line);
        if (answered === undefined) process.exit();
        say(answered);
      });
    })
    .on('close', () => process.exit());
}
