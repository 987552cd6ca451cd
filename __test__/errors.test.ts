import { readFileSync } from 'node:fs';
import {
  NodeBackend,
  RvfDatabase,
  RvfError,
  RvfErrorCode,
  resolveBackend,
  version,
  WasmBackend,
} from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { expectFailure, expectRejection, thrown } from './support/failures.js';

describe('RvfError', () => {
  test('says code, name and detail, and has the code as a number', () => {
    const error = new RvfError(RvfErrorCode.ReadOnly, 'open it otherwise');
    expect(error.message).toBe('[0305] ReadOnly: open it otherwise');
    expect(new RvfError(RvfErrorCode.NotSupportedHere).message).toBe('[FF04] NotSupportedHere');
    expect(error).toMatchObject({ name: 'RvfError', code: 0x0305, category: 3, isFormatError: false });
    expect(error).toBeInstanceOf(Error);
    expect(new RvfError(RvfErrorCode.InvalidChecksum)).toMatchObject({ category: 1, isFormatError: true });
  });

  test('is made of what an engine throws', () => {
    const cases: [unknown, string, string][] = [
      [new Error('[0300] held by 12'), 'LockHeld', '[0300] LockHeld: held by 12'],
      [new Error('[030A] no such file'), 'IoError', '[030A] IoError: no such file'],
      [new Error('[0300] LockHeld: again'), 'LockHeld', '[0300] LockHeld: again'],
      ['[0102] text', 'InvalidChecksum', '[0102] InvalidChecksum: text'],
      [new Error('[0BAD] what'), 'Internal', '[FF05] Internal: [0BAD] what'],
      [new TypeError('boom'), 'Internal', '[FF05] Internal: boom'],
      [
        Object.assign(new Error('coded'), { code: 0x0200 }),
        'DimensionMismatch',
        '[0200] DimensionMismatch: coded',
      ],
      [Object.assign(new Error('napi'), { code: 'GenericFailure' }), 'Internal', '[FF05] Internal: napi'],
      [undefined, 'Internal', '[FF05] Internal: undefined'],
      [null, 'Internal', '[FF05] Internal: null'],
    ];
    for (const [thing, name, message] of cases) {
      const error = RvfError.fromNative(thing);
      expect([RvfErrorCode[error.code], error.message]).toEqual([name, message]);
      expect(error.cause).toBe(thing);
    }
  });

  test('is answered as it is', () => {
    const error = new RvfError(RvfErrorCode.Busy);
    expect(RvfError.fromNative(error)).toBe(error);
  });

  test('the codes are those of the registry of the engine', () => {
    const source = readFileSync(new URL('../crates/rvf-types/src/error_code.rs', import.meta.url), 'utf8');
    const registry = [...source.matchAll(/^ {4}(\w+) = 0x([0-9A-F]{4}),/gm)];
    expect(registry.length).toBeGreaterThan(60);
    const ours = Object.keys(RvfErrorCode).filter((key) => Number.isNaN(Number(key)));
    expect(ours.map((name) => [name, RvfErrorCode[name as 'Ok']])).toEqual(
      registry.map(([, name, hex]) => [name, Number.parseInt(hex ?? '', 16)]),
    );
  });
});

describe('the package', () => {
  test('its version is that of package.json', () => {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as object;
    expect(manifest).toMatchObject({ name: '@ruvector/rvf', version });
  });

  test('RvfDatabase is not constructible', () => {
    const construct = RvfDatabase as unknown as new (options: object) => RvfDatabase;
    expectFailure(
      thrown(() => new construct({ path: 'store.rvf', dimensions: 4 })),
      'InvalidOptions',
      'RvfDatabase.create',
    );
  });

  test('resolveBackend answers the backends by name and refuses others', () => {
    expect(resolveBackend('node')).toBeInstanceOf(NodeBackend);
    expect(resolveBackend('auto')).toBeInstanceOf(NodeBackend);
    expect(resolveBackend('wasm')).toBeInstanceOf(WasmBackend);
    expectFailure(
      thrown(() => resolveBackend('deno' as never)),
      'InvalidOptions',
      'deno',
    );
  });

  test('the wasm backend says that it is not there yet', async () => {
    await expectRejection(
      RvfDatabase.create('x.rvf', { dimensions: 4 }, 'wasm'),
      'NotSupportedHere',
      'later version',
    );
    await expectRejection(RvfDatabase.open('x.rvf', 'wasm'), 'NotSupportedHere');
    await expectRejection(RvfDatabase.open('x.rvf', { backend: 'wasm' }), 'NotSupportedHere');
    await expectRejection(RvfDatabase.openBytes(new Uint8Array(), { backend: 'wasm' }), 'NotSupportedHere');
    await expectRejection(
      RvfDatabase.create('x.rvf', { dimensions: 4 }, 'deno' as never),
      'InvalidOptions',
      'deno',
    );
  });

  test('a backend without a store says that it is closed, and takes only one', async () => {
    const backend = new NodeBackend();
    await expectRejection(backend.count(), 'StoreClosed');
    await backend.close();
    await backend.create(':memory:', { dimensions: 4 });
    await expectRejection(backend.create(':memory:', { dimensions: 4 }), 'InvalidInput', 'another');
    await backend.close();
    await backend.create(':memory:', { dimensions: 4 });
    await backend.close();
  });
});
