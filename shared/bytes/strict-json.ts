/**
 * JSON that says each thing once. `JSON.parse` keeps the last of two members of one name, another reader the first; a file
 * that people approve or that two programs read must not have two meanings.
 */

/**
 * Like `JSON.parse`. The text never appears in an error.
 *
 * @throws {SyntaxError} when the text is not JSON or an object has two members of one name.
 */
export function parseStrictJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const place = error instanceof Error ? /line \d+ column \d+/.exec(error.message)?.[0] : undefined;
    throw new SyntaxError(
      `Cannot read the JSON text: it is not well-formed${place === undefined ? '' : ` at ${place}`}`,
    );
  }
  requireDistinctMembers(text);
  return value;
}

/** @param text well-formed JSON. */
function requireDistinctMembers(text: string): void {
  /** The names seen in each open object; null for an open list. */
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case '{':
        open.push(new Set());
        break;
      case '[':
        open.push(null);
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case '"': {
        const start = at;
        at += 1;
        while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
        const names = open.at(-1);
        if (names && isFollowedByColon(text, at + 1)) {
          const name: string = JSON.parse(text.slice(start, at + 1));
          if (names.has(name)) {
            throw new SyntaxError(`Cannot read the JSON text: two members have the same name before character ${at}`);
          }
          names.add(name);
        }
        break;
      }
    }
  }
}

/** In well-formed JSON a string before a colon is a member's name, and no other string is. */
function isFollowedByColon(text: string, from: number): boolean {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at += 1;
  return text[at] === ':';
}
