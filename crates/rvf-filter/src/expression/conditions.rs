use crate::expression::{Expression, Node};

impl Expression {
    /// The expression's conditions in order: all but `and`, `or` and `not`, each with its place as error messages name it
    /// (`filter.exprs[2]`, or `filter` where it is the whole filter) and as an expression of its own.
    pub fn conditions(&self) -> Vec<(String, Expression)> {
        let mut conditions = Vec::new();
        self.add_conditions(&self.root, "filter", &mut conditions);
        conditions
    }

    fn add_conditions(&self, node: &Node, path: &str, conditions: &mut Vec<(String, Expression)>) {
        match node {
            Node::And(nodes) | Node::Or(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    self.add_conditions(node, &format!("{path}.exprs[{index}]"), conditions);
                }
            }
            Node::Not { node, is_operator: true } => self.add_conditions(node, &format!("{path}.expr"), conditions),
            Node::Not { is_operator: false, .. } | Node::Test(..) => {
                conditions.push((path.to_owned(), self.alone(node)));
            }
        }
    }

    /// A condition as an expression with no field but its own.
    fn alone(&self, condition: &Node) -> Expression {
        let mut alone = Expression { root: condition.clone(), fields: Vec::new() };
        let fields = &mut alone.fields;
        alone.root.for_each_field(&mut |field| {
            fields.push(self.field(*field).to_vec());
            *field = 0;
        });
        alone
    }
}
