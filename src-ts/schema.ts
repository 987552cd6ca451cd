import { FIELD_ID_MAX, SCHEMA_BYTES_MAX, SCHEMA_FIELDS_MAX, SCHEMA_NAME_BYTES_MAX } from './limits.js';
import { checkChoice, checkInteger, checkObject, refuseOption } from './options.js';
import type { RvfSchemaField, RvfSchemaType } from './types-filter.js';
import { describe, hasLoneSurrogate, invalid, type Problem, utf8Length } from './validate.js';

const TYPES: readonly RvfSchemaType[] = ['string', 'number', 'boolean', 'string[]', 'number[]', 'boolean[]'];
const KEYS = new Set(['field', 'type', 'fieldId']);

/**
 * A schema as the engine takes it; nothing where no field is declared.
 *
 * @throws RvfError `InvalidOptions` naming the part that is wrong, as in `options.schema[2].type`.
 */
export function schemaOption(given: unknown): { schema?: string } {
  if (given === undefined) {
    return {};
  }
  if (!Array.isArray(given) || given.length > SCHEMA_FIELDS_MAX) {
    const found = Array.isArray(given) ? `${given.length} fields` : describe(given);
    const text = `must be an array of at most ${SCHEMA_FIELDS_MAX} fields as { field: 'name', type: 'string' }, not ${found}`;
    return refuseOption('options.schema', text);
  }
  const names = new Map<unknown, number>();
  const numbers = new Map<unknown, number>();
  const fields = Array.from(given, (one: unknown, index) => {
    const path = `options.schema[${index}]`;
    const field = checkField(path, one);
    checkDistinct(`${path}.field`, names, field.field, index);
    if (field.fieldId !== undefined) {
      checkDistinct(`${path}.fieldId`, numbers, field.fieldId, index);
    }
    return field;
  });
  const schema = JSON.stringify(fields);
  if (utf8Length(schema) > SCHEMA_BYTES_MAX) {
    refuseOption('options.schema', `takes more than ${SCHEMA_BYTES_MAX} bytes as JSON; use shorter names`);
  }
  return fields.length === 0 ? {} : { schema };
}

/** The fields that a store declares. */
export function schemaFields(schema: string | undefined): RvfSchemaField[] {
  return schema === undefined ? [] : (JSON.parse(schema) as RvfSchemaField[]);
}

/**
 * What is wrong with metadata, given as its JSON text, that has another type in a declared field. The engine checks it
 * again; here it says which entries `onInvalid: 'reject'` leaves out.
 */
export function schemaProblem(schema: readonly RvfSchemaField[], text: string): Problem | undefined {
  if (schema.length === 0 || !text.startsWith('{')) {
    return undefined;
  }
  const metadata = JSON.parse(text) as Record<string, unknown>;
  for (const { field, type } of schema) {
    if (Object.hasOwn(metadata, field) && !isOfType(metadata[field], type)) {
      return invalid(
        `has ${describe(metadata[field])} as ${describe(field)}, which the schema declares as ${type}`,
      );
    }
  }
  return undefined;
}

function isOfType(value: unknown, type: RvfSchemaType): boolean {
  if (!type.endsWith('[]')) {
    return typeof value === type;
  }
  const element = type.slice(0, -2);
  return Array.isArray(value) && value.every((one) => typeof one === element);
}

function checkField(path: string, given: unknown): RvfSchemaField {
  const { field, type, fieldId } = checkObject<RvfSchemaField>(path, given, KEYS);
  if (typeof field !== 'string' || hasLoneSurrogate(field) || utf8Length(field) > SCHEMA_NAME_BYTES_MAX) {
    const text = `must be a name of at most ${SCHEMA_NAME_BYTES_MAX} UTF-8 bytes, not ${describe(field)}`;
    return refuseOption(`${path}.field`, text);
  }
  if (type === undefined) {
    refuseOption(`${path}.type`, `must be given: one of ${TYPES.join(', ')}`);
  }
  const checked: RvfSchemaField = { field, type: checkChoice(`${path}.type`, type, TYPES, type) };
  if (fieldId !== undefined) {
    // `+ 0` makes a zero of -0.
    checked.fieldId = checkInteger(`${path}.fieldId`, fieldId, 0, FIELD_ID_MAX, 0) + 0;
  }
  return checked;
}

function checkDistinct(path: string, seen: Map<unknown, number>, value: unknown, index: number): void {
  const first = seen.get(value);
  if (first !== undefined) {
    refuseOption(path, `is ${describe(value)} as in options.schema[${first}]; each may be there once`);
  }
  seen.set(value, index);
}
