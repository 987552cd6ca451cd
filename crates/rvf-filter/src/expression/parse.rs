use std::ops::Bound;

use crate::document::Value;
use crate::expression::{Expression, FILTER_DEPTH_MAX, FILTER_NODES_MAX, FILTER_VALUES_MAX, Interval, Node, Test};
use crate::json::{Kind, Scanner};
use crate::scalar::{Scalar, ScalarSet};
use crate::schema::field_id_of;
use crate::{FilterError, JsonError, Schema};

const OPERATORS: &str = "eq, ne, lt, le, gt, ge, in, nin, range, and, or, not, exists, contains, containsAny, \
                         containsAll, startsWith";

/// Reads a filter in one pass, children as they come, so that no text is looked at twice and a limit stops it at once.
pub(super) fn parse(json: &[u8], schema: &Schema) -> Result<Expression, FilterError> {
    if str::from_utf8(json).is_err() {
        return Err(JsonError { offset: 0, what: "bytes that are no UTF-8" }.into());
    }
    let mut parser =
        Parser { scanner: Scanner::new(json), schema, path: "filter".into(), node_count: 0, fields: Vec::new() };
    let mut root = parser.node(1)?;
    let Parser { scanner, fields: names, .. } = parser;
    scanner.finish()?;
    let mut fields = names.clone();
    fields.sort_unstable();
    fields.dedup();
    root.for_each_field(&mut |index| *index = fields.partition_point(|field| *field < names[*index]));
    Ok(Expression { root, fields })
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    schema: &'a Schema,
    /// The place in the filter, for errors.
    path: String,
    node_count: usize,
    fields: Vec<Vec<u8>>,
}

/// What an expression object has, whatever the order of its keys.
#[derive(Default)]
struct Operands {
    field: Option<Vec<u8>>,
    value: Option<Scalar>,
    values: Option<ScalarSet>,
    low: Option<Scalar>,
    high: Option<Scalar>,
    exprs: Option<Vec<Node>>,
    expr: Option<Node>,
}

impl Parser<'_> {
    fn invalid(&self, problem: impl Into<String>) -> FilterError {
        FilterError::Invalid { path: self.path.clone(), problem: problem.into() }
    }

    fn invalid_at(&self, key: &str, problem: impl Into<String>) -> FilterError {
        FilterError::Invalid { path: format!("{}.{key}", self.path), problem: problem.into() }
    }

    /// Runs `parse` with a longer path.
    fn within<T>(
        &mut self,
        step: &str,
        parse: impl FnOnce(&mut Self) -> Result<T, FilterError>,
    ) -> Result<T, FilterError> {
        let length = self.path.len();
        self.path.push_str(step);
        let parsed = parse(self)?;
        self.path.truncate(length);
        Ok(parsed)
    }

    fn node(&mut self, depth: usize) -> Result<Node, FilterError> {
        if depth > FILTER_DEPTH_MAX {
            return Err(self.invalid(format!("filters nest at most {FILTER_DEPTH_MAX} deep")));
        }
        self.node_count += 1;
        if self.node_count > FILTER_NODES_MAX {
            return Err(
                self.invalid(format!("a filter has at most {FILTER_NODES_MAX} expressions; use `in` for many values"))
            );
        }
        if self.scanner.kind()? != Kind::Object {
            return Err(self.invalid("must be an expression object such as {op: 'eq', field, value}"));
        }
        self.scanner.enter();
        let (mut operator, mut operands, mut is_first) = (None, Operands::default(), true);
        while let Some(key) = self.scanner.next_key(&mut is_first)? {
            match key.as_ref() {
                b"field" | b"fieldId" if operands.field.is_some() => return Err(self.invalid("names its field twice")),
                b"op" => operator = Some(self.within(".op", Parser::operator)?),
                b"field" => operands.field = Some(self.within(".field", Parser::field)?),
                b"fieldId" => operands.field = Some(self.within(".fieldId", Parser::field_id)?),
                b"value" => operands.value = Some(self.within(".value", Parser::scalar)?),
                b"values" => operands.values = Some(self.within(".values", Parser::values)?),
                b"low" => operands.low = Some(self.within(".low", Parser::scalar)?),
                b"high" => operands.high = Some(self.within(".high", Parser::scalar)?),
                b"expr" => operands.expr = Some(self.within(".expr", |parser| parser.node(depth + 1))?),
                b"exprs" => operands.exprs = Some(self.within(".exprs", |parser| parser.nodes(depth + 1))?),
                other => return Err(self.invalid(format!("unknown key \"{}\"", shown(other)))),
            }
        }
        let operator = operator.ok_or_else(|| self.invalid("has no op"))?;
        let node = self.combine(&operator, &mut operands)?;
        self.refuse_leftovers(&operator, &operands)?;
        Ok(node)
    }

    fn nodes(&mut self, depth: usize) -> Result<Vec<Node>, FilterError> {
        if self.scanner.kind()? != Kind::Array {
            return Err(self.invalid("must be an array of expressions"));
        }
        self.scanner.enter();
        let (mut nodes, mut is_first) = (Vec::new(), true);
        while self.scanner.next_element(&mut is_first)? {
            let step = format!("[{}]", nodes.len());
            nodes.push(self.within(&step, |parser| parser.node(depth))?);
        }
        Ok(nodes)
    }

    fn text(&mut self, problem: &str) -> Result<Vec<u8>, FilterError> {
        if self.scanner.kind()? != Kind::Text {
            return Err(self.invalid(problem));
        }
        Ok(self.scanner.text()?.into_owned())
    }

    fn operator(&mut self) -> Result<Vec<u8>, FilterError> {
        self.text("must be a string")
    }

    fn field(&mut self) -> Result<Vec<u8>, FilterError> {
        self.text("must be a string, the literal top-level key")
    }

    fn field_id(&mut self) -> Result<Vec<u8>, FilterError> {
        let value = Value::scan(&mut self.scanner)?;
        let number = field_id_of(&value).ok_or_else(|| self.invalid("must be a whole number, 0..4294967295"))?;
        let declared = self.schema.field_by_id(number);
        let field = declared.ok_or_else(|| {
            self.invalid(format!(
                "no field has the number {number}; name the field with `field`, or declare the number when the store is \
                 created: schema: [{{field, type, fieldId: {number}}}]"
            ))
        })?;
        Ok(field.name.as_bytes().to_vec())
    }

    fn scalar(&mut self) -> Result<Scalar, FilterError> {
        match self.scanner.kind()? {
            Kind::Null => Ok(self.scanner.null().map(|()| Scalar::Null)?),
            Kind::Boolean => Ok(Scalar::Boolean(self.scanner.boolean()?)),
            Kind::Text => Ok(Scalar::Text(self.scanner.text()?.into_owned())),
            Kind::Number => {
                let number = self.scanner.number()?;
                if number.is_finite() { Ok(Scalar::Number(number)) } else { Err(self.invalid("must be finite")) }
            }
            kind => Err(self.invalid(format!("must be a string, number, boolean or null, not {}", kind.name()))),
        }
    }

    fn values(&mut self) -> Result<ScalarSet, FilterError> {
        if self.scanner.kind()? != Kind::Array {
            return Err(self.invalid("must be an array"));
        }
        self.scanner.enter();
        let (mut set, mut count, mut is_first) = (ScalarSet::default(), 0, true);
        while self.scanner.next_element(&mut is_first)? {
            if count == FILTER_VALUES_MAX {
                return Err(self.invalid(format!("has more than {FILTER_VALUES_MAX} values")));
            }
            if matches!(self.scanner.kind()?, Kind::Array | Kind::Object) {
                self.path.push_str(&format!("[{count}]"));
            }
            set.add(self.scalar()?);
            count += 1;
        }
        set.arrange();
        Ok(set)
    }

    fn combine(&mut self, operator: &[u8], operands: &mut Operands) -> Result<Node, FilterError> {
        let not = |node, is_operator| Node::Not { node: Box::new(node), is_operator };
        let test = match operator {
            b"and" => return Ok(Node::And(self.need(operands.exprs.take(), "exprs")?)),
            b"or" => return Ok(Node::Or(self.need(operands.exprs.take(), "exprs")?)),
            b"not" => return Ok(not(self.need(operands.expr.take(), "expr")?, true)),
            b"exists" => Test::Exists,
            b"eq" | b"ne" => Test::In(ScalarSet::of(self.need(operands.value.take(), "value")?)),
            b"in" | b"nin" => Test::In(self.need(operands.values.take(), "values")?),
            b"contains" => Test::ContainsAny(ScalarSet::of(self.need(operands.value.take(), "value")?)),
            b"containsAny" => Test::ContainsAny(self.need(operands.values.take(), "values")?),
            b"containsAll" => Test::ContainsAll(self.need(operands.values.take(), "values")?),
            b"startsWith" => match self.need(operands.value.take(), "value")? {
                Scalar::Text(prefix) => Test::Prefix(prefix),
                _ => return Err(self.invalid_at("value", "must be a string")),
            },
            b"lt" | b"le" | b"gt" | b"ge" => self.half_line(operator, operands)?,
            b"range" => self.range(operands)?,
            other => {
                return Err(self.invalid_at("op", format!("unknown operator \"{}\"; known: {OPERATORS}", shown(other))));
            }
        };
        self.fields.push(self.need(operands.field.take(), "field")?);
        let node = Node::Test(self.fields.len() - 1, test);
        Ok(if matches!(operator, b"ne" | b"nin") { not(node, false) } else { node })
    }

    fn need<T>(&self, operand: Option<T>, key: &str) -> Result<T, FilterError> {
        operand.ok_or_else(|| self.invalid(format!("has no {key}")))
    }

    fn half_line(&self, operator: &[u8], operands: &mut Operands) -> Result<Test, FilterError> {
        match self.need(operands.value.take(), "value")? {
            Scalar::Number(number) => Ok(Test::Numbers(half_line(operator, number))),
            Scalar::Text(text) => Ok(Test::Texts(half_line(operator, text))),
            Scalar::Boolean(_) | Scalar::Null => {
                Err(self.invalid_at("value", "must be a number or a string; booleans and null have no order"))
            }
        }
    }

    fn range(&self, operands: &mut Operands) -> Result<Test, FilterError> {
        match (self.need(operands.low.take(), "low")?, self.need(operands.high.take(), "high")?) {
            (Scalar::Number(low), Scalar::Number(high)) => {
                Ok(Test::Numbers((Bound::Included(low), Bound::Excluded(high))))
            }
            (Scalar::Text(low), Scalar::Text(high)) => Ok(Test::Texts((Bound::Included(low), Bound::Excluded(high)))),
            _ => Err(self.invalid("low and high must be two numbers or two strings")),
        }
    }

    fn refuse_leftovers(&self, operator: &[u8], operands: &Operands) -> Result<(), FilterError> {
        let leftovers = [
            ("field", operands.field.is_some()),
            ("value", operands.value.is_some()),
            ("values", operands.values.is_some()),
            ("low", operands.low.is_some()),
            ("high", operands.high.is_some()),
            ("expr", operands.expr.is_some()),
            ("exprs", operands.exprs.is_some()),
        ];
        match leftovers.iter().find(|(_, is_left)| *is_left) {
            Some((key, _)) => Err(self.invalid_at(key, format!("is no operand of {}", shown(operator)))),
            None => Ok(()),
        }
    }
}

fn half_line<T>(operator: &[u8], value: T) -> Interval<T> {
    match operator {
        b"lt" => (Bound::Unbounded, Bound::Excluded(value)),
        b"le" => (Bound::Unbounded, Bound::Included(value)),
        b"gt" => (Bound::Excluded(value), Bound::Unbounded),
        _ => (Bound::Included(value), Bound::Unbounded),
    }
}

/// The beginning of a name for an error message.
fn shown(name: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 64;
    String::from_utf8_lossy(&name[..name.len().min(SHOWN_BYTES_MAX)]).into_owned()
}
