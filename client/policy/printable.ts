/** Text from outside, made safe to print: control and formatting characters could rewrite what a person sees on a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}
