import { PassThrough, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { receiveBody } from './receive-body.ts';

describe('receiveBody()', () => {
  test('gives the pieces one by one, the next when the one before is taken', async () => {
    const pieces = ['a', 'b', 'c', 'd'].map((text) => Buffer.from(text));
    const taken: string[] = [];
    let atOnce = 0;
    await receiveBody(Readable.from(pieces), async (piece) => {
      atOnce += 1;
      expect(atOnce).toBe(1);
      await delay(2);
      atOnce -= 1;
      taken.push(piece.toString());
    });
    expect(taken).toEqual(['a', 'b', 'c', 'd']);
  });

  test.each([
    ['at once', (): void => fail()],
    ['later', async (): Promise<void> => delay(1).then(fail)],
  ])('ends with what is thrown over a piece %s, and reads no more', async (_, take) => {
    const body = new PassThrough();
    body.write('a');
    await expect(receiveBody(body, take)).rejects.toThrow('disk');
    expect(body.destroyed).toBe(true);
  });

  test('ends with the error of a body that breaks off, and where it says none', async () => {
    for (const error of [new Error('cut'), undefined]) {
      const body = new PassThrough();
      body.write('a');
      const received = receiveBody(body, () => undefined);
      body.destroy(error);
      await expect(received).rejects.toThrow(error?.message ?? 'broke off');
    }
  });
});

function fail(): never {
  throw new Error('disk');
}
