/**
 * HTML and SVG as a value. Everything put into a template is escaped unless it is itself markup, so text from a plan or
 * a site (a study's description, a task's name) can never become an element or leave an attribute.
 */
export interface Markup {
  readonly markup: string;
}

type Content = string | number | Markup | null | undefined | readonly Content[];

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return { markup: parts.reduce((text, part, index) => text + render(contents[index - 1]) + part) };
}

function render(content: Content): string {
  if (content === null || content === undefined) return '';
  if (typeof content === 'number') return String(content);
  if (typeof content === 'string') return content.replace(/[&<>"']/g, (character) => escapes[character] ?? '');
  if ('markup' in content) return content.markup;
  return content.map(render).join('');
}
