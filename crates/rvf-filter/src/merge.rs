//! JSON merge patch (RFC 7386) from text to text.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::json::{Kind, Scanner};
use crate::{JsonError, MergeError};

/// Deepest nesting of the objects of a patch, the patch itself being at depth 1.
pub const MERGE_DEPTH_MAX: usize = 64;

/// Numbers of no more bytes than this have at most the digits that an `f64` tells apart.
const EXACT_NUMBER_BYTES_MAX: usize = 15;

/// A field of an object.
struct Member<'a> {
    key: Cow<'a, [u8]>,
    /// The text between the comma (or the brace) and the value: white space, the key, the colon.
    before: &'a [u8],
    kind: Kind,
    value: &'a [u8],
}

/// What a patch does to the field of one key.
enum Change<'a> {
    Remove,
    Set(Cow<'a, [u8]>),
}

/// Applies a JSON merge patch (RFC 7386) to a document and gives the text of the result: null removes a field, an object
/// is merged into the field's object, any other value replaces the field's.
///
/// Fields that do not change keep their place and their bytes, changed ones change in their place, new ones come at the end
/// in the patch's order. **A patch that changes nothing gives the document's own bytes**; a value that is there already,
/// in another spelling, is no change. (Numbers of more digits than an `f64` holds are equal only in the same spelling.)
///
/// An empty document and one that is no object are patched as if they were `{}`, and stay what they are where the patch
/// sets nothing. Of a key that occurs twice the last one counts: the earlier ones go when the patch changes or removes
/// that key, and stay otherwise. Keys are compared decoded. Neither the escapes in string values nor the nesting of values
/// that are taken over whole are checked here.
pub fn merge_patch(document: &[u8], patch: &[u8]) -> Result<Vec<u8>, MergeError> {
    let (kind, patch) = whole_value(patch).map_err(MergeError::Patch)?;
    if kind != Kind::Object {
        return Err(MergeError::NoObject { found: kind.name() });
    }
    let object = match document {
        [] => &b"{}"[..],
        _ => match whole_value(document).map_err(MergeError::Document)? {
            (Kind::Object, object) => object,
            _ => b"{}",
        },
    };
    Ok(merge_objects(object, patch, 1)?.unwrap_or_else(|| document.to_vec()))
}

/// The kind and the text of the only value in a text.
fn whole_value(json: &[u8]) -> Result<(Kind, &[u8]), JsonError> {
    if str::from_utf8(json).is_err() {
        return Err(JsonError { offset: 0, what: "bytes that are no UTF-8" });
    }
    let mut scanner = Scanner::new(json);
    let value = scanner.skip()?;
    scanner.finish()?;
    Ok(value)
}

/// The object with the patch applied, or `None` where nothing changes.
fn merge_objects(object: &[u8], patch: &[u8], depth: usize) -> Result<Option<Vec<u8>>, MergeError> {
    if depth > MERGE_DEPTH_MAX {
        return Err(MergeError::TooDeep);
    }
    let members = members_of(object).map_err(MergeError::Document)?;
    let patch = members_of(patch).map_err(MergeError::Patch)?;
    let last_members = last_by_key(&members);
    let mut changes = BTreeMap::new();
    for (key, index) in last_by_key(&patch) {
        let old = last_members.get(key).map(|index| &members[*index]);
        if let Some(change) = change(old, &patch[index], depth)? {
            changes.insert(key, change);
        }
    }
    Ok((!changes.is_empty()).then(|| changed_text(&members, &patch, changes)))
}

/// The text of an object with changed fields; new ones are in the order of the patch.
fn changed_text(members: &[Member<'_>], patch: &[Member<'_>], mut changes: BTreeMap<&[u8], Change<'_>>) -> Vec<u8> {
    let last_members = last_by_key(members);
    let mut text = vec![b'{'];
    for (index, member) in members.iter().enumerate() {
        match changes.get(member.key.as_ref()) {
            None => push_member(&mut text, member.before, member.value),
            Some(Change::Set(value)) if last_members[member.key.as_ref()] == index => {
                push_member(&mut text, member.before, value);
            }
            Some(Change::Set(_) | Change::Remove) => {}
        }
    }
    for member in patch.iter().filter(|member| !last_members.contains_key(member.key.as_ref())) {
        // Taken out, so that a key that occurs twice in the patch is written once.
        if let Some(Change::Set(value)) = changes.remove(member.key.as_ref()) {
            push_member(&mut text, member.before.trim_ascii(), &value);
        }
    }
    text.push(b'}');
    text
}

/// The fields of an object's text, duplicates included.
fn members_of(object: &[u8]) -> Result<Vec<Member<'_>>, JsonError> {
    let mut scanner = Scanner::new(object);
    scanner.enter();
    let (mut members, mut is_first, mut end) = (Vec::new(), true, scanner.position());
    while let Some(key) = scanner.next_key(&mut is_first)? {
        let (kind, value) = scanner.skip()?;
        let before = &object[end..scanner.position() - value.len()];
        let before = before.trim_ascii_start().strip_prefix(b",").unwrap_or(before);
        end = scanner.position();
        members.push(Member { key, before, kind, value });
    }
    Ok(members)
}

/// The index of the member that counts, by key.
fn last_by_key<'m>(members: &'m [Member<'_>]) -> BTreeMap<&'m [u8], usize> {
    members.iter().enumerate().map(|(index, member)| (member.key.as_ref(), index)).collect()
}

/// What the patch's field does to the field that is there, `None` where it stays.
fn change<'p>(old: Option<&Member<'_>>, new: &Member<'p>, depth: usize) -> Result<Option<Change<'p>>, MergeError> {
    match (new.kind, old) {
        (Kind::Null, old) => Ok(old.map(|_| Change::Remove)),
        (Kind::Object, Some(Member { kind: Kind::Object, value, .. })) => {
            let merged = merge_objects(value, new.value, depth + 1)?;
            Ok(merged.map(|merged| Change::Set(merged.into())))
        }
        (Kind::Object, _) => {
            let without_nulls = merge_objects(b"{}", new.value, depth + 1)?;
            Ok(Some(Change::Set(without_nulls.map_or(Cow::Borrowed(b"{}"), Cow::Owned))))
        }
        // A string with a bad escape is not the same as any other.
        (_, Some(old)) if is_same(old.value, new.value).unwrap_or(false) => Ok(None),
        _ => Ok(Some(Change::Set(Cow::Borrowed(new.value)))),
    }
}

fn push_member(text: &mut Vec<u8>, before: &[u8], value: &[u8]) {
    if text.len() > 1 {
        text.push(b',');
    }
    text.extend_from_slice(before);
    text.extend_from_slice(value);
}

/// True where two texts are one value. Their nesting is bounded, since they have been skipped over before.
fn is_same(a: &[u8], b: &[u8]) -> Result<bool, JsonError> {
    if a == b {
        return Ok(true);
    }
    let (mut a_scanner, mut b_scanner) = (Scanner::new(a), Scanner::new(b));
    let kind = a_scanner.kind()?;
    if kind != b_scanner.kind()? {
        return Ok(false);
    }
    match kind {
        // Words have one spelling.
        Kind::Null | Kind::Boolean => Ok(false),
        Kind::Number => {
            let has_one_sign = a.starts_with(b"-") == b.starts_with(b"-");
            let is_exact = a.len().max(b.len()) <= EXACT_NUMBER_BYTES_MAX;
            Ok(has_one_sign && is_exact && a_scanner.number()? == b_scanner.number()?)
        }
        Kind::Text => Ok(a_scanner.text()? == b_scanner.text()?),
        Kind::Array => {
            let (a, b) = (elements(a)?, elements(b)?);
            is_each_same(a.into_iter(), b.into_iter())
        }
        Kind::Object => {
            let (a, b) = (members_of(a)?, members_of(b)?);
            let (a_last, b_last) = (last_by_key(&a), last_by_key(&b));
            if !a_last.keys().eq(b_last.keys()) {
                return Ok(false);
            }
            is_each_same(a_last.values().map(|index| a[*index].value), b_last.values().map(|index| b[*index].value))
        }
    }
}

fn is_each_same<'a>(
    a: impl ExactSizeIterator<Item = &'a [u8]>,
    b: impl ExactSizeIterator<Item = &'a [u8]>,
) -> Result<bool, JsonError> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for (a, b) in a.zip(b) {
        if !is_same(a, b)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn elements(array: &[u8]) -> Result<Vec<&[u8]>, JsonError> {
    let mut scanner = Scanner::new(array);
    scanner.enter();
    let (mut elements, mut is_first) = (Vec::new(), true);
    while scanner.next_element(&mut is_first)? {
        elements.push(scanner.skip()?.1);
    }
    Ok(elements)
}
