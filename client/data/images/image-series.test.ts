import { describe, expect, test } from 'vitest';
import { createQuarantine } from '../quarantine/quarantine.ts';
import { imageSeries } from './image-series.ts';
import { sliceLabel, surveyedImage } from './test-support/surveyed-image.ts';

const at = (path: string, locationMillimetres: number | null, instanceNumber: number | null = 1) =>
  surveyedImage({ path, instanceNumber, frames: [{ locationMillimetres }] });

function only(images: Parameters<typeof imageSeries>[0]) {
  const quarantine = createQuarantine();
  const [series, ...others] = imageSeries(images, quarantine);
  expect(others).toEqual([]);
  return { series: series!, labels: series!.slices.map(sliceLabel), counts: quarantine.counts() };
}

describe('imageSeries()', () => {
  test('orders by position, whatever files and numbers say', () => {
    const { series, labels } = only([at('a', 30, 1), at('b', -10, 2), at('c', 12.5, 3)]);
    expect(labels).toEqual(['b#0', 'c#0', 'a#0']);
    expect(series.order).toBe('position');
  });

  test('orders by instance number when a position is missing', () => {
    const { series, labels } = only([at('a', 30, 9), at('b', null, 10), at('c', 12.5, 1)]);
    expect(labels).toEqual(['c#0', 'a#0', 'b#0']);
    expect(series.order).toBe('instance-number');
  });

  test('keeps the order of the files when numbers are missing too', () => {
    const { series, labels } = only([at('a', null, 9), at('b', null, null)]);
    expect(labels).toEqual(['a#0', 'b#0']);
    expect(series.order).toBe('file-name');
  });

  test('keeps one slice of each position, the first by instance number', () => {
    const { labels, counts } = only([at('a', 5, 30), at('b', 5.004, 2), at('c', 10, 3), at('d', 5, 1)]);
    expect(labels).toEqual(['d#0', 'c#0']);
    expect(counts).toEqual({ 'duplicate-position': 2 });
  });

  test('counts slices that are not axial and keeps the others', () => {
    const { labels, counts } = only([at('a', 1), surveyedImage({ path: 'b', frames: [{ view: 'not-axial' }] })]);
    expect(labels).toEqual(['a#0']);
    expect(counts).toEqual({ 'not-axial': 1 });
  });

  test('orders the frames of one file', () => {
    const frames = [{ locationMillimetres: 9 }, { locationMillimetres: 3 }, { locationMillimetres: 6 }];
    expect(only([surveyedImage({ path: 'a', frames })]).labels).toEqual(['a#1', 'a#2', 'a#0']);
  });

  test('is in Hounsfield units only when every slice is', () => {
    expect(only([at('a', 1), at('b', 2)]).series.hounsfield).toBe(true);
    const other = surveyedImage({ path: 'b', frames: [{ locationMillimetres: 2, rescale: null }] });
    expect(only([at('a', 1), other]).series.hounsfield).toBe(false);
  });

  test('makes one series per folder of images that name none', () => {
    const images = ['P/x/1', 'P/y/1', 'P/x/2'].map((path) =>
      surveyedImage({ path, series: null, instanceNumber: null, frames: [{ locationMillimetres: null }] }),
    );
    const found = imageSeries(images, createQuarantine());
    expect(found.map(({ slices }) => slices.map(sliceLabel))).toEqual([['P/x/1#0', 'P/x/2#0'], ['P/y/1#0']]);
  });

  test('says when nothing told the direction of the slices', () => {
    const unknown = surveyedImage({ path: 'a', frames: [{ view: 'unknown' }] });
    expect(only([unknown]).series.assumedAxial).toBe(true);
    expect(only([unknown, at('b', 4)]).series.assumedAxial).toBe(false);
  });
});
