import type { RvfOptions, RvfSchemaField } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { idsOf } from '../support/contents.js';
import { expectRejection } from '../support/failures.js';
import { type Host, useStores } from '../support/host.js';

const SCHEMA: RvfSchemaField[] = [
  { field: 'section', type: 'string', fieldId: 7 },
  { field: 'size', type: 'number', fieldId: 4_294_967_295 },
  { field: 'open', type: 'boolean', fieldId: 0 },
  { field: 'tags', type: 'string[]' },
  { field: 'scores', type: 'number[]' },
  { field: 'flags', type: 'boolean[]' },
  { field: '__proto__', type: 'string' },
  { field: '', type: 'number' },
];

const field = { field: 'a', type: 'string' };
const many = (count: number): object[] =>
  Array.from({ length: count }, (_, index) => ({ field: `${index}`, type: 'number' }));

/** Name, schema, what the message names. */
const REFUSED: [string, unknown, string][] = [
  ['an object', {}, 'options.schema'],
  ['null', null, 'options.schema'],
  ['1,025 fields', many(1_025), '1024'],
  ['a string among its fields', ['a'], 'options.schema[0]'],
  ['a hole', Array(1), 'options.schema[0]'],
  ['an unknown key', [{ ...field, index: true }], 'options.schema[0].index'],
  ['no name', [{ type: 'string' }], 'options.schema[0].field'],
  ['a number for a name', [{ field: 1, type: 'string' }], 'options.schema[0].field'],
  ['a lone surrogate in a name', [{ field: '\ud800', type: 'string' }], 'options.schema[0].field'],
  ['a name of 1,025 bytes', [{ field: 'x'.repeat(1_025), type: 'string' }], 'options.schema[0].field'],
  ['a name of 1,026 bytes in 513', [{ field: 'é'.repeat(513), type: 'string' }], 'options.schema[0].field'],
  ['no type', [{ field: 'a' }], 'options.schema[0].type'],
  ['an unknown type', [{ field: 'a', type: 'date' }], 'options.schema[0].type'],
  ['an inherited type', [{ field: 'a', type: 'constructor' }], 'options.schema[0].type'],
  ['a field twice', [field, { field: 'b', type: 'number' }, field], 'options.schema[2].field'],
  ['a negative number', [{ ...field, fieldId: -1 }], 'options.schema[0].fieldId'],
  ['half a number', [{ ...field, fieldId: 0.5 }], 'options.schema[0].fieldId'],
  ['a number above 32 bits', [{ ...field, fieldId: 2 ** 32 }], 'options.schema[0].fieldId'],
  [
    'a number twice',
    [
      { ...field, fieldId: 3 },
      { field: 'b', type: 'string', fieldId: 3 },
    ],
    'schema[1].fieldId',
  ],
  [
    'a megabyte of names',
    many(1_024).map((_, index) => ({ field: `${index}`.padEnd(1_024, '\0'), type: 'number' })),
    '1048576',
  ],
];

/** Declared fields. */
export function schemaBehaviour(host: Host): void {
  describe('a schema', () => {
    const stores = useStores(host);

    test('is what the store was created with, after opening it again too', async () => {
      const db = await stores.create({ schema: SCHEMA });
      expect(db.schema()).toEqual(SCHEMA);
      db.schema().pop();
      expect(db.schema()).toEqual(SCHEMA);
      await db.close();
      expect((await stores.openReadonly()).schema()).toEqual(SCHEMA);
    });

    test('of a store that declares none is empty', async () => {
      expect((await stores.create()).schema()).toEqual([]);
      expect((await stores.create({ schema: [] }, 'empty.rvf')).schema()).toEqual([]);
      const plenty = many(1_024) as RvfSchemaField[];
      expect((await stores.create({ schema: plenty }, 'plenty.rvf')).schema()).toEqual(plenty);
    });

    test('gives numbers to fields, by which filters name them', async () => {
      const db = await stores.create({ schema: SCHEMA });
      const sizes = [1, 2, 3];
      await db.ingestBatch(
        sizes.map((size) => ({ id: `${size}`, vector: [size, 0, 0, 0], metadata: { size, open: size > 1 } })),
      );
      expect(await db.count({ op: 'ge', fieldId: 4_294_967_295, value: 2 })).toBe(2);
      const filter = { op: 'and', exprs: [{ op: 'eq', fieldId: 0, value: true }] } as const;
      expect(
        idsOf(await db.queryByFilter({ op: 'not', expr: { ...filter, exprs: [...filter.exprs] } })),
      ).toEqual(['1']);
      expect(idsOf(await db.query([0, 0, 0, 0], 9, { filter: { op: 'exists', fieldId: 7 } }))).toEqual([]);
    });

    test('that does not give a number makes a filter with it fail', async () => {
      const unknown = { op: 'eq', fieldId: 3, value: 1 } as const;
      for (const db of [await stores.create(), await stores.create({ schema: SCHEMA }, 'schema.rvf')]) {
        await expectRejection(db.count(unknown), 'FilterParseError', '3');
        await expectRejection(db.deleteByFilter({ op: 'not', expr: unknown }), 'FilterParseError', '3');
        await expectRejection(db.query([1, 0, 0, 0], 1, { filter: unknown }), 'FilterParseError', '3');
      }
    });

    test('makes metadata of another type an error, and nothing is stored', async () => {
      const db = await stores.create({ schema: SCHEMA });
      const good = {
        section: 'a',
        size: 1.5,
        open: false,
        tags: [],
        scores: [1],
        flags: [true],
        other: [{}],
      };
      const wrong: [string, unknown][] = [
        ['section', 1],
        ['size', '1'],
        ['size', null],
        ['open', 0],
        ['tags', 'new'],
        ['tags', ['new', 1]],
        ['scores', [1, null]],
        ['flags', [[true]]],
      ];
      for (const [name, value] of wrong) {
        const entries = [
          { id: 'good', vector: [1, 0, 0, 0], metadata: good },
          { id: 'bad', vector: [1, 0, 0, 0], metadata: { ...good, [name]: value } },
        ];
        await expectRejection(db.ingestBatch(entries), 'InvalidInput', name);
        expect(await db.count()).toBe(0);
      }
      const entries = [
        { id: 'good', vector: [1, 0, 0, 0], metadata: good },
        { id: 'bad', vector: [1, 0, 0, 0], metadata: { tags: ['new', 1] } },
        { id: 'bare', vector: [1, 0, 0, 0] },
        { id: 'text', vector: [1, 0, 0, 0], metadata: 'text' },
      ];
      const { accepted, rejections } = await db.ingestBatch(entries, { onInvalid: 'reject' });
      expect([accepted, rejections?.map(({ id }) => id)]).toEqual([3, ['bad']]);
      expect(rejections?.[0]?.message).toContain('tags');
      await expectRejection(db.updateMetadata(['bare', 'good'], { size: 'large' }), 'InvalidInput', 'size');
      const replacement = [{ id: 'x', vector: [1, 0, 0, 0], metadata: { open: 'yes' } }];
      await expectRejection(db.replaceWhere({ op: 'and', exprs: [] }, replacement), 'InvalidInput', 'open');
      expect(idsOf((await db.list()).rows)).toEqual(['good', 'bare', 'text']);
      expect((await db.get(['good']))[0]?.metadata).toEqual(good);
      expect(await db.updateMetadata(['good'], { size: null })).toMatchObject({ updated: 1 });
    });

    test.each(REFUSED)('with %s is refused', async (_name, schema, named) => {
      const options = { dimensions: 4, schema } as RvfOptions;
      await expectRejection(host.create(stores.path(), options), 'InvalidOptions', 'options.schema', named);
      await (await stores.create()).close();
    });
  });
}
