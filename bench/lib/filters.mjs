// Filters of a wanted selectivity, made from the data: each as our expression, as SQL for the peers, and as a function.

const SHARES = [0.5, 0.1, 0.01, 0.001];

/**
 * Filters on the section, a range of sizes, tags, and two conditions combined, at 50 / 10 / 1 / 0.1 %, as near as the
 * data comes.
 *
 * @returns A list of `{ kind, wanted, matching, expression, conditions }`: `matching` are the rows' numbers, `conditions`
 * are `{ field, values }` or `{ field, below }`, all of which must hold, for those who speak another language.
 */
export function makeFilters(metadata) {
  return SHARES.flatMap((wanted) => [
    finish('section', wanted, metadata, [sectionsOf(metadata, wanted * metadata.length)]),
    finish('size range', wanted, metadata, [sizesBelow(metadata, wanted * metadata.length)]),
    finish('tag', wanted, metadata, [tagsOf(metadata, wanted * metadata.length)]),
    finish('section and size', wanted, metadata, both(metadata, wanted)),
  ]);
}

function finish(kind, wanted, metadata, conditions) {
  const exprs = conditions.map(expressionOf);
  return {
    kind,
    wanted,
    conditions,
    expression: exprs.length === 1 ? exprs[0] : { op: 'and', exprs },
    matching: rowsThat(metadata, (entry) => conditions.every((condition) => holds(condition, entry))),
  };
}

function expressionOf({ field, values, below }) {
  if (below !== undefined) return { op: 'lt', field, value: below };
  return field === 'tags' ? { op: 'containsAny', field, values } : { op: 'in', field, values };
}

/** Whether an entry fulfils a condition: the plain filter that the stores' answers are compared with. */
function holds({ field, values, below }, entry) {
  if (below !== undefined) return entry[field] < below;
  return field === 'tags' ? entry.tags.some((tag) => values.includes(tag)) : values.includes(entry[field]);
}

function rowsThat(metadata, test) {
  return metadata.flatMap((entry, row) => (test(entry) ? [row] : []));
}

/** Values taken from the most frequent on, as long as the rows that have one of them stay within what is wanted. */
function choose(rowsByValue, wantedRows) {
  const taken = new Set();
  const values = [];
  const byCount = [...rowsByValue].sort(([, a], [, b]) => b.length - a.length);
  for (const [value, rows] of byCount) {
    const added = rows.filter((row) => !taken.has(row));
    if (added.length === 0 || taken.size + added.length > wantedRows * 1.05) continue;
    for (const row of added) taken.add(row);
    values.push(value);
    if (taken.size >= wantedRows * 0.95) break;
  }
  return values;
}

function sectionsOf(metadata, wantedRows) {
  return {
    field: 'section',
    values: choose(
      groupRows(metadata, ({ section }) => [section]),
      wantedRows,
    ),
  };
}

function tagsOf(metadata, wantedRows) {
  return {
    field: 'tags',
    values: choose(
      groupRows(metadata, ({ tags }) => tags),
      wantedRows,
    ),
  };
}

function sizesBelow(metadata, wantedRows) {
  const sizes = metadata.map(({ size }) => size).sort((a, b) => a - b);
  return { field: 'size', below: sizes[Math.min(Math.round(wantedRows), sizes.length - 1)] };
}

/** Sections with about the root of the share, and the sizes that leave the share of it. */
function both(metadata, wanted) {
  const section = sectionsOf(metadata, Math.sqrt(wanted) * metadata.length);
  const within = metadata.filter((entry) => holds(section, entry));
  return [section, sizesBelow(within, wanted * metadata.length)];
}

function groupRows(metadata, valuesOf) {
  const groups = new Map();
  for (const [row, entry] of metadata.entries()) {
    for (const value of new Set(valuesOf(entry))) {
      const rows = groups.get(value);
      if (rows === undefined) groups.set(value, [row]);
      else rows.push(row);
    }
  }
  return groups;
}
