import { describe, expect, test } from 'vitest';
import { html } from './markup.ts';

describe('html``', () => {
  test('escapes text, in elements and in attributes', () => {
    const text = `<script>"a" & 'b'</script>`;
    expect(html`<p title="${text}">${text}</p>`.markup).toBe(
      '<p title="&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;">' +
        '&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;</p>',
    );
  });

  test('keeps markup, joins lists, leaves out nothing-values', () => {
    expect(html`<ul>${['a', '<b>'].map((item) => html`<li>${item}</li>`)}${null}</ul>`.markup).toBe(
      '<ul><li>a</li><li>&lt;b&gt;</li></ul>',
    );
  });

  test('does not mistake text for a replacement pattern', () => {
    expect(html`${'$& $1'}`.markup).toBe('$&amp; $1');
  });
});
