/** The name of a place where a process is to die. */

export const POINTS = ['before-journal', 'after-journal', 'after-ack'] as const;

export interface Armed {
  readonly phase: string;
  readonly point: (typeof POINTS)[number];
  /** At which passing, from 1. */
  readonly count: number;
}

/** @throws {SyntaxError} when the text is no `<phase>:<point>[@count]`: a test that kills nobody proves nothing. */
export function parseFailpoint(text: string): Armed {
  const [, phase, name, count = '1'] = /^([a-z-]+):([a-z-]+)(?:@([1-9]\d{0,5}))?$/.exec(text) ?? [];
  const point = POINTS.find((known) => known === name);
  if (phase !== undefined && point !== undefined) return { phase, point, count: Number(count) };
  throw new SyntaxError(
    `Cannot arm a failpoint: needed <phase>:<point>[@count] with the point one of ${POINTS.join(', ')}, found ${JSON.stringify(text)}`,
  );
}
