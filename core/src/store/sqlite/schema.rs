//! Tables and indexes, derived from the declarations of collections. Pure: text in, text out.
//!
//! A collection is one table: `id`, `version` and the JSON text `body`. Fields of indexes are virtual columns computed
//! from the body, so a new index does not require rewriting documents. The tables have no rowid: a document is found in
//! one tree instead of two, and an insertion writes one tree less.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::{Collection, FieldType, Index};

/// Tables of the store itself. Unique keys have their own table because a document may have any number of them.
const OWN: &[(&str, &str)] = &[
    (
        "store_meta",
        "CREATE TABLE IF NOT EXISTS store_meta(key TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    ),
    (
        "unique_keys",
        "CREATE TABLE IF NOT EXISTS unique_keys(collection TEXT NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, \
         PRIMARY KEY(collection, key)) WITHOUT ROWID",
    ),
    (
        "unique_keys_by_document",
        "CREATE INDEX IF NOT EXISTS unique_keys_by_document ON unique_keys(collection, id, key)",
    ),
];

/// The existing schema of a database.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Existing {
    /// Tables and indexes by name, with the statements that created them.
    pub(super) objects: BTreeMap<String, String>,
    /// Columns of the tables, as `table.column`.
    pub(super) columns: BTreeSet<String>,
}

/// Quotes an identifier. Names come from the code; quoting keeps words such as `order` from being parsed as SQL.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns the quoted column of a field. The prefix keeps fields apart from `version` and `body`.
pub(super) fn column(field: &str) -> String {
    if field == "id" { "id".to_owned() } else { identifier(&format!("field_{field}")) }
}

/// Returns the statements that bring a database to the declared schema; empty if it has it already.
pub(super) fn missing(existing: &Existing, collections: &[&'static Collection]) -> Vec<String> {
    let own = OWN.iter().filter(|(name, _)| !existing.objects.contains_key(*name));
    let mut statements: Vec<String> = own.map(|(_, statement)| (*statement).to_owned()).collect();
    for collection in collections {
        missing_of_collection(existing, collection, &mut statements);
    }
    statements
}

fn missing_of_collection(existing: &Existing, collection: &Collection, statements: &mut Vec<String>) {
    let table = identifier(collection.name);
    if !existing.objects.contains_key(collection.name) {
        statements.push(format!(
            "CREATE TABLE IF NOT EXISTS {table}(id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, \
             body TEXT NOT NULL) WITHOUT ROWID"
        ));
    }
    let of_documents = |field: &&str| *field != "id" && !collection.is_terms(field);
    let indexed: BTreeSet<&str> =
        collection.indexes.iter().flat_map(|index| index.fields).copied().filter(of_documents).collect();
    for field in indexed {
        if !existing.columns.contains(&format!("{}.field_{field}", collection.name)) {
            statements.push(format!(
                "ALTER TABLE {table} ADD COLUMN {} {} GENERATED ALWAYS AS (json_extract(body, '$.\"{}\"')) VIRTUAL",
                column(field),
                affinity(collection, field),
                field.replace('\'', "''"),
            ));
        }
    }
    for index in collection.indexes {
        let name = index_name(collection, index);
        if let Some(terms) = collection.terms_of(index) {
            let statement = term_table(collection, index, terms);
            match existing.objects.get(&name) {
                Some(present) if *present == statement => {}
                Some(_) => statements.extend([format!("DROP TABLE {}", identifier(&name)), statement]),
                None => statements.push(statement),
            }
            continue;
        }
        let mut columns: Vec<String> = index.fields.iter().map(|field| column(field)).collect();
        if !index.fields.contains(&"id") {
            columns.push("id".to_owned());
        }
        let statement = format!("CREATE INDEX {} ON {table}({})", identifier(&name), columns.join(", "));
        match existing.objects.get(&name) {
            Some(present) if *present == statement => {}
            // Recreate an index whose declaration changed. Undeclared indexes stay, because another process may run an
            // older release on the same file.
            Some(_) => statements.extend([format!("DROP INDEX {}", identifier(&name)), statement]),
            None => statements.push(statement),
        }
    }
}

/// Returns the name of the index in the database, or of the table that implements it.
pub(super) fn index_name(collection: &Collection, index: &Index) -> String {
    format!("{}_{}", collection.name, index.name)
}

/// Version of the division of texts into terms. Tables of terms with another version are recreated.
const TERMS_LAYOUT: u32 = 1;

/// Returns the statement that creates the table of an index over terms.
///
/// The table has a row for each term of each document. The sources of the terms are in its text as a comment, so that
/// the table is recreated when they change.
fn term_table(collection: &Collection, index: &Index, terms: &str) -> String {
    let sources = match collection.field(terms).map(|field| field.field_type) {
        Some(FieldType::Terms(sources)) => sources,
        _ => &[],
    };
    let sources: Vec<String> = sources.iter().map(|source| format!("{}:{}", source.mark, source.field)).collect();
    let names: Vec<String> = index.fields.iter().map(|field| column(field)).chain(["id".to_owned()]).collect();
    let affinities = index.fields.iter().map(|field| affinity(collection, field)).chain(["TEXT"]);
    let columns = names.iter().zip(affinities).map(|(name, affinity)| format!("{name} {affinity} NOT NULL"));
    format!(
        "CREATE TABLE {}({}, PRIMARY KEY({}) /* terms {TERMS_LAYOUT} of {} */) WITHOUT ROWID",
        identifier(&index_name(collection, index)),
        columns.collect::<Vec<_>>().join(", "),
        names.join(", "),
        sources.join(" "),
    )
}

/// Returns the indexes over terms whose tables these statements create, and which must be filled.
pub(super) fn to_fill<'a>(
    statements: &'a [String],
    collections: &'a [&'static Collection],
) -> impl Iterator<Item = (&'static Collection, &'static Index)> + 'a {
    let all =
        collections.iter().flat_map(|collection| collection.indexes.iter().map(move |index| (*collection, index)));
    all.filter(|(collection, index)| {
        collection.terms_of(index).is_some_and(|terms| statements.contains(&term_table(collection, index, terms)))
    })
}

fn affinity(collection: &Collection, field: &str) -> &'static str {
    match collection.field(field).map(|field| field.field_type) {
        Some(FieldType::Integer | FieldType::Boolean) => "INTEGER",
        _ => "TEXT",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::store::{Field, Guest, Index, Scope};

    static INDEXES: [Index; 2] =
        [Index { name: "by_rank", fields: &["rank"] }, Index { name: "by_order", fields: &["order", "id"] }];
    static COLLECTION: Collection = Collection {
        name: "things",
        fields: &[Field::new("rank", FieldType::Integer), Field::new("order", FieldType::Text)],
        indexes: &INDEXES,
        scope: Scope::Platform,
        guest: Guest::Closed,
    };

    #[test]
    fn an_empty_database_gets_everything_and_a_complete_one_nothing() {
        let statements = missing(&Existing::default(), &[&COLLECTION]);
        assert_eq!(statements.len(), OWN.len() + 5);
        assert!(statements.contains(&"CREATE INDEX \"things_by_rank\" ON \"things\"(\"field_rank\", id)".to_owned()));
        assert!(statements.contains(&"CREATE INDEX \"things_by_order\" ON \"things\"(\"field_order\", id)".to_owned()));
        let mut complete = Existing::default();
        let own = OWN.iter().map(|(name, statement)| ((*name).to_owned(), (*statement).to_owned()));
        complete.objects.extend(own);
        complete.objects.insert("things".to_owned(), String::new());
        complete.columns.extend(["things.field_rank".to_owned(), "things.field_order".to_owned()]);
        for (name, statement) in
            ["things_by_rank", "things_by_order"].into_iter().zip(&statements[statements.len() - 2..])
        {
            complete.objects.insert(name.to_owned(), statement.clone());
        }
        assert_eq!(missing(&complete, &[&COLLECTION]), [""; 0]);
        complete.objects.insert("things_by_rank".to_owned(), "CREATE INDEX of another shape".to_owned());
        let again = missing(&complete, &[&COLLECTION]);
        assert_eq!(again.len(), 2);
        assert!(again[0].starts_with("DROP INDEX"));
    }
}
