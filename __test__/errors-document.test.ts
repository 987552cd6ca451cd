import { readdirSync, readFileSync } from 'node:fs';
import { RvfErrorCode } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';

const ROOT = new URL('../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

interface Row {
  number: number;
  name: string;
  when: string;
  advice: string;
}

const rows: Row[] = [
  ...read('docs/errors.md').matchAll(/^\| 0x([0-9A-F]{4}) \| (\w+) \| ([^|]*) \|([^|]*)\|$/gm),
].map(([, number = '', name = '', when = '', advice = '']) => ({
  number: Number.parseInt(number, 16),
  name,
  when,
  advice: advice.trim(),
}));

/** The sources below a folder, without tests and without the registry itself. */
function sources(folder: string, extension: string): string[] {
  return readdirSync(new URL(folder, ROOT), { recursive: true })
    .map((name) => `${folder}${String(name)}`)
    .filter((path) => path.endsWith(extension) && !/error[_-]code\.|\/tests?[./]/.test(path))
    .map(read);
}

/** Names of the codes that some code path makes. */
function thrownNames(): Set<string> {
  const crates = readdirSync(new URL('crates/', ROOT)).filter((name) => name !== 'rvf-types');
  const rust = crates.flatMap((name) => sources(`crates/${name}/src/`, '.rs'));
  const typescript = sources('src-ts/', '.ts');
  const found = [
    ...rust.flatMap((text) => [...text.matchAll(/\bErrorCode::(\w+)/g)]),
    ...typescript.flatMap((text) => [...text.matchAll(/\bRvfErrorCode\.(\w+)/g)]),
  ];
  return new Set(found.map(([, name = '']) => name));
}

describe('docs/errors.md', () => {
  test('lists the codes of the engine, in its order', () => {
    const registry = read('crates/rvf-types/src/error_code.rs').matchAll(/^ {4}(\w+) = 0x([0-9A-F]{4}),/gm);
    const codes = [...registry].map(([, name = '', number = '']) => [Number.parseInt(number, 16), name]);
    expect(codes.length).toBeGreaterThan(60);
    expect(rows.map(({ number, name }) => [number, name])).toEqual(codes);
  });

  test('lists the codes of the SDK', () => {
    const names = Object.keys(RvfErrorCode).filter((key) => Number.isNaN(Number(key)));
    expect(rows.map(({ number, name }) => [number, name])).toEqual(
      names.map((name) => [RvfErrorCode[name as keyof typeof RvfErrorCode], name]),
    );
  });

  test('puts each code under the heading of its category', () => {
    const sections = read('docs/errors.md').split(/^## /m).slice(1);
    for (const section of sections) {
      const category = Number.parseInt(section.slice(0, 2), 16);
      const inSection = [...section.matchAll(/^\| 0x([0-9A-F]{2})/gm)].map(([, high = '']) =>
        Number.parseInt(high, 16),
      );
      expect(inSection.length).toBeGreaterThan(0);
      expect(new Set(inSection)).toEqual(new Set([category]));
    }
  });

  test('says "reserved" of those codes, and only those, that no code path makes', () => {
    const thrown = thrownNames();
    const reserved = rows.filter(({ when }) => when.startsWith('reserved')).map(({ name }) => name);
    expect(reserved).toEqual(rows.map(({ name }) => name).filter((name) => !thrown.has(name)));
    expect(thrown.size).toBe(rows.length - reserved.length);
  });

  test('says what to do about every code that is not reserved', () => {
    const silent = rows.filter(({ when, advice }) => !when.startsWith('reserved') && advice === '');
    expect(silent).toEqual([]);
  });
});
