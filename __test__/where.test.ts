import { allOf, anyOf, not, type RvfFilterExpr, where } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { filterText } from '../src-ts/filter-check.js';

interface Page {
  section: string;
  size: number;
  open: boolean;
  tags?: string[];
}

const page = where<Page>();
const games = { op: 'eq', field: 'section', value: 'games' };
const small = { op: 'lt', field: 'size', value: 1e6 };
const tagged = { op: 'contains', field: 'tags', value: 'new' };

describe('a sentence about one field', () => {
  test.each<[RvfFilterExpr<Page>, object]>([
    [page('section').is('games'), games],
    [page('section').isNot('games'), { op: 'ne', field: 'section', value: 'games' }],
    [page('section').in(['games', 'news']), { op: 'in', field: 'section', values: ['games', 'news'] }],
    [page('size').notIn([1, 2]), { op: 'nin', field: 'size', values: [1, 2] }],
    [page('size').above(1), { op: 'gt', field: 'size', value: 1 }],
    [page('size').atLeast(1), { op: 'ge', field: 'size', value: 1 }],
    [page('size').below(1e6), small],
    [page('size').atMost(1), { op: 'le', field: 'size', value: 1 }],
    [page('size').between(1, 2), { op: 'range', field: 'size', low: 1, high: 2 }],
    [page('section').startsWith('ga'), { op: 'startsWith', field: 'section', value: 'ga' }],
    [page('tags').has('new'), tagged],
    [page('tags').hasAny(['new']), { op: 'containsAny', field: 'tags', values: ['new'] }],
    [page('tags').hasAll(['new']), { op: 'containsAll', field: 'tags', values: ['new'] }],
    [page('tags').exists(), { op: 'exists', field: 'tags' }],
    [page('tags').isMissing(), { op: 'not', expr: { op: 'exists', field: 'tags' } }],
    [page('open').is(false), { op: 'eq', field: 'open', value: false }],
  ])('%j', (sentence, expected) => {
    expect(sentence).toEqual(expected);
    expect(JSON.parse(filterText('filter', sentence))).toEqual(expected);
  });

  test('takes any field where it knows no shape, be it one that objects inherit', () => {
    expect(where('__proto__').has(1)).toEqual({ op: 'contains', field: '__proto__', value: 1 });
    expect(where('').below('z')).toEqual({ op: 'lt', field: '', value: 'z' });
  });
});

describe('sentences', () => {
  test('are joined by and, or by or, in their order and without nesting', () => {
    const both = page('section').is('games').and('size').below(1e6).and('tags').has('new');
    expect(both).toEqual({ op: 'and', exprs: [games, small, tagged] });
    const either = page('section').is('games').or(page('size').below(1e6)).or('tags').has('new');
    expect(either).toEqual({ op: 'or', exprs: [games, small, tagged] });
  });

  test('are grouped by allOf, anyOf and not, and go on behind them', () => {
    const plain: RvfFilterExpr<Page> = { op: 'exists', field: 'open' };
    const grouped = anyOf(page('section').is('games'), plain).and('size').below(1e6);
    expect(grouped).toEqual({ op: 'and', exprs: [{ op: 'or', exprs: [games, plain] }, small] });
    const negated = not(page('section').is('games').and('size').below(1e6)).or('tags').has('new');
    expect(negated).toEqual({
      op: 'or',
      exprs: [{ op: 'not', expr: { op: 'and', exprs: [games, small] } }, tagged],
    });
    expect(allOf()).toEqual({ op: 'and', exprs: [] });
    expect(anyOf()).toEqual({ op: 'or', exprs: [] });
  });

  test('have no or behind and, and no and behind or', () => {
    expect(page('section').is('games').and('size').below(1)).not.toHaveProperty('or');
    expect(page('section').is('games').or('size').below(1)).not.toHaveProperty('and');
  });

  test('do not change when more is added, nor with the lists they were given', () => {
    const values = ['games'];
    const first = page('section').in(values);
    const second = first.and('size').below(1e6);
    const third = second.and('tags').has('new');
    values.push('news');
    expect(first).toEqual({ op: 'in', field: 'section', values: ['games'] });
    expect(second).toEqual({ op: 'and', exprs: [{ ...first }, small] });
    expect(third).toEqual({ op: 'and', exprs: [{ ...first }, small, tagged] });
    expect(() => Object.assign(first, { field: 'size' })).toThrow(TypeError);
    expect(() => (second as unknown as { exprs?: unknown[] }).exprs?.push(games)).toThrow(TypeError);
  });

  test('keep what is no list, so that it is refused and does not fall into characters', () => {
    for (const list of ['games', new Map([['k', 1]]), new Set(['a'])]) {
      const values = list as unknown as string[];
      for (const filter of [
        where('section').in(values),
        where('section').notIn(values),
        where('tags').hasAny(values),
      ]) {
        expect(() => filterText('filter', filter)).toThrow('filter.values');
      }
    }
  });

  test('are plain data: as JSON, as copies, and inside each other', () => {
    const sentence = page('section')
      .is('games')
      .and(anyOf(page('size').below(1e6), page('tags').has('new')));
    const expected = { op: 'and', exprs: [games, { op: 'or', exprs: [small, tagged] }] };
    expect(JSON.stringify(sentence)).toBe(JSON.stringify(expected));
    expect(structuredClone(sentence)).toStrictEqual(expected);
    expect({ ...sentence }).toStrictEqual(expected);
    expect(Object.keys(page('size').below(1))).toEqual(['op', 'field', 'value']);
  });

  test('of a thousand conditions are made in no time', () => {
    let sentence = page('size').is(0).or('size').is(1);
    for (let value = 2; value < 1_000; value++) {
      sentence = sentence.or('size').is(value);
    }
    expect(JSON.parse(filterText('filter', sentence)).exprs).toHaveLength(1_000);
  });
});
