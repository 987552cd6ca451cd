//! Declared fields: their types, and the numbers that `fieldId` in filters stands for.

use crate::document::{Value, for_each_element, for_each_field};
use crate::json::{Kind, Scanner};
use crate::{JsonError, SchemaError};

/// Most fields a schema declares.
pub const SCHEMA_FIELDS_MAX: usize = 1_024;
/// Most bytes of a declared field's name, as UTF-8.
pub const FIELD_NAME_BYTES_MAX: usize = 1_024;

/// The type of a declared field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// A string.
    String,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// An array of strings.
    StringArray,
    /// An array of numbers.
    NumberArray,
    /// An array of booleans.
    BooleanArray,
}

impl FieldType {
    const ALL: [FieldType; 6] = [
        FieldType::String,
        FieldType::Number,
        FieldType::Boolean,
        FieldType::StringArray,
        FieldType::NumberArray,
        FieldType::BooleanArray,
    ];

    /// The type's name in a schema.
    pub fn name(self) -> &'static str {
        match self {
            FieldType::String => "string",
            FieldType::Number => "number",
            FieldType::Boolean => "boolean",
            FieldType::StringArray => "string[]",
            FieldType::NumberArray => "number[]",
            FieldType::BooleanArray => "boolean[]",
        }
    }

    fn element_kind(self) -> Kind {
        match self {
            FieldType::String | FieldType::StringArray => Kind::Text,
            FieldType::Number | FieldType::NumberArray => Kind::Number,
            FieldType::Boolean | FieldType::BooleanArray => Kind::Boolean,
        }
    }

    fn is_array(self) -> bool {
        matches!(self, FieldType::StringArray | FieldType::NumberArray | FieldType::BooleanArray)
    }
}

/// A declared field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaField {
    /// The literal top-level key.
    pub name: String,
    /// What its values have to be.
    pub field_type: FieldType,
    /// The number a filter may name it by.
    pub field_id: Option<u32>,
}

/// The declared fields of a store, at most [`SCHEMA_FIELDS_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    fields: Vec<SchemaField>,
    /// Indexes into `fields`, by name.
    by_name: Vec<usize>,
}

impl Schema {
    /// Reads `[{field, type, fieldId?}]`, which is also what [`Schema::to_json`] writes for a manifest.
    pub fn parse(json: &[u8]) -> Result<Schema, SchemaError> {
        let mut scanner = Scanner::new(json);
        if str::from_utf8(json).is_err() {
            return Err(SchemaError::Json(JsonError { offset: 0, what: "bytes that are no UTF-8" }));
        }
        if scanner.kind()? != Kind::Array {
            return Err(invalid("schema", "must be an array of {field, type, fieldId?}"));
        }
        scanner.enter();
        let (mut fields, mut is_first) = (Vec::new(), true);
        while scanner.next_element(&mut is_first)? {
            if fields.len() == SCHEMA_FIELDS_MAX {
                return Err(invalid("schema", format!("declares more than {SCHEMA_FIELDS_MAX} fields")));
            }
            fields.push(parse_field(&mut scanner, &format!("schema[{}]", fields.len()))?);
        }
        scanner.finish()?;
        Schema::new(fields)
    }

    /// A schema of these fields; names and numbers must be distinct.
    pub fn new(fields: Vec<SchemaField>) -> Result<Schema, SchemaError> {
        let mut by_name: Vec<usize> = (0..fields.len()).collect();
        by_name.sort_by(|a, b| fields[*a].name.cmp(&fields[*b].name));
        if let Some(pair) = by_name.windows(2).find(|pair| fields[pair[0]].name == fields[pair[1]].name) {
            return Err(invalid(&format!("schema[{}].field", pair[1]), "is declared twice; keep one"));
        }
        let mut ids: Vec<(u32, usize)> =
            fields.iter().enumerate().filter_map(|(index, field)| Some((field.field_id?, index))).collect();
        ids.sort_unstable();
        if let Some(pair) = ids.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(invalid(&format!("schema[{}].fieldId", pair[1].1), "is the number of another field"));
        }
        Ok(Schema { fields, by_name })
    }

    /// The declared fields, in the order of the declaration.
    pub fn fields(&self) -> &[SchemaField] {
        &self.fields
    }

    /// The field a number stands for.
    pub fn field_by_id(&self, field_id: u32) -> Option<&SchemaField> {
        self.fields.iter().find(|field| field.field_id == Some(field_id))
    }

    /// The schema as JSON, to be stored.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = String::from("[");
        for (index, field) in self.fields.iter().enumerate() {
            json.push_str(if index == 0 { "{\"field\":\"" } else { ",{\"field\":\"" });
            for character in field.name.chars() {
                match character {
                    '"' | '\\' => json.extend(['\\', character]),
                    '\0'..='\x1F' => json.push_str(&format!("\\u{:04x}", u32::from(character))),
                    _ => json.push(character),
                }
            }
            json.push_str(&format!("\",\"type\":\"{}\"", field.field_type.name()));
            if let Some(field_id) = field.field_id {
                json.push_str(&format!(",\"fieldId\":{field_id}"));
            }
            json.push('}');
        }
        json.push(']');
        json.into_bytes()
    }

    /// Makes sure that a document's declared fields have their types. A missing field is fine, null is another type, an
    /// empty text is a document without fields. Of a key that occurs twice the last one counts.
    pub fn check_document(&self, json: &[u8]) -> Result<(), SchemaError> {
        if self.fields.is_empty() {
            return Ok(());
        }
        let mut values = vec![None; self.fields.len()];
        for_each_field::<SchemaError>(json, |key, scanner| {
            let found = self.by_name.binary_search_by(|index| self.fields[*index].name.as_bytes().cmp(&key));
            match found {
                Ok(at) => values[self.by_name[at]] = Some(Value::scan(scanner)?),
                Err(_) => {
                    scanner.skip()?;
                }
            }
            Ok(())
        })?;
        for (field, value) in self.fields.iter().zip(&values) {
            if let Some(value) = value
                && let Some(found) = mismatch(field.field_type, value)?
            {
                let expected = field.field_type.name();
                return Err(SchemaError::TypeMismatch { field: field.name.clone(), expected, found });
            }
        }
        Ok(())
    }
}

fn kind_of(value: &Value<'_>) -> Kind {
    match value {
        Value::Null => Kind::Null,
        Value::Boolean(_) => Kind::Boolean,
        Value::Number(_) => Kind::Number,
        Value::Text(_) => Kind::Text,
        Value::Array(_) => Kind::Array,
        Value::Object => Kind::Object,
    }
}

/// What a value is where it is not of the type.
fn mismatch(field_type: FieldType, value: &Value<'_>) -> Result<Option<String>, JsonError> {
    let expected = field_type.element_kind();
    let Value::Array(elements) = value else {
        let kind = kind_of(value);
        return Ok((field_type.is_array() || kind != expected).then(|| kind.name().into()));
    };
    if !field_type.is_array() {
        return Ok(Some(Kind::Array.name().into()));
    }
    let (mut index, mut found) = (0, None);
    for_each_element(elements, |element| {
        let kind = kind_of(&element);
        if kind != expected {
            found = Some(format!("an array with {} at [{index}]", kind.name()));
        }
        index += 1;
        found.is_none()
    })?;
    Ok(found)
}

fn invalid(path: &str, problem: impl Into<String>) -> SchemaError {
    SchemaError::Invalid { path: path.into(), problem: problem.into() }
}

fn parse_field(scanner: &mut Scanner<'_>, path: &str) -> Result<SchemaField, SchemaError> {
    if scanner.kind()? != Kind::Object {
        return Err(invalid(path, "must be an object {field, type, fieldId?}"));
    }
    scanner.enter();
    let (mut name, mut field_type, mut field_id, mut is_first) = (None, None, None, true);
    while let Some(key) = scanner.next_key(&mut is_first)? {
        let value = Value::scan(scanner)?;
        match (key.as_ref(), value) {
            (b"field", Value::Text(text)) if text.len() <= FIELD_NAME_BYTES_MAX => {
                let text = String::from_utf8(text.into_owned());
                name = Some(text.map_err(|_| invalid(&format!("{path}.field"), "has a lone surrogate"))?);
            }
            (b"type", Value::Text(text)) => {
                field_type = FieldType::ALL.into_iter().find(|known| known.name().as_bytes() == text.as_ref());
                if field_type.is_none() {
                    let names = FieldType::ALL.map(FieldType::name).join(", ");
                    return Err(invalid(&format!("{path}.type"), format!("must be one of {names}")));
                }
            }
            (b"fieldId", value) => {
                let number = field_id_of(&value);
                field_id = Some(number.ok_or_else(|| invalid(&format!("{path}.fieldId"), "must be 0..4294967295"))?);
            }
            (b"field", _) => {
                let problem = format!("must be a string of at most {FIELD_NAME_BYTES_MAX} bytes");
                return Err(invalid(&format!("{path}.field"), problem));
            }
            (key, _) => {
                let problem = format!("unknown or mistyped key \"{}\"", key.escape_ascii());
                return Err(invalid(path, problem));
            }
        }
    }
    let name = name.ok_or_else(|| invalid(path, "has no field"))?;
    let field_type = field_type.ok_or_else(|| invalid(path, "has no type"))?;
    Ok(SchemaField { name, field_type, field_id })
}

/// The whole number of 32 bits that a value is.
pub(crate) fn field_id_of(value: &Value<'_>) -> Option<u32> {
    match value {
        Value::Number(number) if f64::from(*number as u32) == *number => Some(*number as u32),
        _ => None,
    }
}
