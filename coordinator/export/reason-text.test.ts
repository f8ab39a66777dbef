import { describe, expect, test } from 'vitest';
import { reasonText } from './reason-text.ts';

describe('reasonText()', () => {
  test('explains the same code according to what it is about', () => {
    expect(reasonText('too-few-patients', 'not-measured')).toBe('fewer held-out patients than may be reported');
    expect(reasonText('too-few-patients', 'left-out')).toBe('fewer patients than the plan needs');
  });

  test('shows a code it does not know as its words, and is not fooled by names every object has', () => {
    expect(reasonText('scanner-on-holiday', 'set-aside')).toBe('scanner on holiday');
    expect(reasonText('constructor', 'failure')).toBe('constructor');
  });
});
