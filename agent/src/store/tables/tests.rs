use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn tables() -> (tempfile::TempDir, Tables) {
    let dir = tempfile::tempdir().expect("a folder");
    let tables = Tables::make(&dir.path().join("tables")).expect("makes");
    (dir, tables)
}

fn written(tables: &Tables, table: Table, key: &[u8], value: &[u8]) {
    let mut writes = TableWrites::default();
    writes.insert(table, key, value);
    tables.apply(writes).expect("writes");
}

#[test]
fn they_are_born_empty_whatever_lay_there_and_nothing_is_left_of_them() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("tables");
    fs::create_dir_all(folder.join("blobs")).expect("makes");
    for garbage in ["db", "conf", "snap.0000000000000001"] {
        fs::write(folder.join(garbage), b"rotten").expect("writes");
    }
    let tables = Tables::make(&folder).expect("makes");
    assert_eq!(tables.last(Table::Alarms, b"").expect("reads"), None);
    written(&tables, Table::Alarms, b"1", b"a");
    drop(tables);
    assert!(!folder.exists());
    let again = Tables::make(&folder).expect("makes");
    assert_eq!(again.get(Table::Alarms, b"1").expect("reads"), None);
}

#[test]
fn tables_do_not_run_over_into_one_another() {
    let (_dir, tables) = tables();
    written(&tables, Table::Aside, b"\xff\xff", b"last of aside");
    written(&tables, Table::Branches, b"\x00", b"first of branches");
    assert_eq!(
        tables
            .page(Table::Aside, b"", Bound::Unbounded, 9)
            .expect("reads")
            .len(),
        1
    );
    assert_eq!(
        tables
            .last(Table::Aside, b"")
            .expect("reads")
            .expect("one")
            .1,
        b"last of aside"
    );
    assert_eq!(tables.last(Table::Declared, b"").expect("reads"), None);
}

#[test]
fn a_place_that_moved_is_put_in_for_the_one_that_it_was_alone() {
    let (_dir, tables) = tables();
    let at = |offset| Place {
        segment: 1,
        generation: 2,
        offset,
        length: 4,
    };
    let [old, new, newer] = [3, 30, 300].map(|offset| place_value(at(offset)));
    assert_eq!(read_place(&new), Some(at(30)));
    assert_eq!(read_place(&new[1..]), None);
    written(&tables, Table::Readers, b"k", &old);
    assert!(
        tables
            .replace(Table::Readers, b"k", &old, &new)
            .expect("writes")
    );
    written(&tables, Table::Readers, b"k", &newer);
    assert!(
        !tables
            .replace(Table::Readers, b"k", &new, &old)
            .expect("writes")
    );
    assert_eq!(
        tables.get(Table::Readers, b"k").expect("reads").as_deref(),
        Some(&newer[..])
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn pages_are_what_a_map_says(
        writes in prop::collection::vec((prop::collection::vec(0..3_u8, 1..4), any::<Option<u8>>()), 1..40),
        prefix in prop::collection::vec(0..3_u8, 0..2),
        from in prop::collection::vec(0..3_u8, 0..4),
        most in 0..9_usize,
    ) {
        let (_dir, tables) = tables();
        let mut map: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for (key, value) in &writes {
            let mut batch = TableWrites::default();
            match value {
                Some(value) => {
                    batch.insert(Table::Declared, key, &[*value]);
                    map.insert(key.clone(), vec![*value]);
                }
                None => {
                    batch.remove(Table::Declared, key);
                    map.remove(key);
                }
            }
            tables.apply(batch).expect("writes");
        }
        let of_it = || map.iter().filter(|(key, _)| key.starts_with(&prefix));
        let copied = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        let page = |from, most| tables.page(Table::Declared, &prefix, from, most).expect("reads");
        prop_assert_eq!(page(Bound::Unbounded, most), of_it().take(most).map(copied).collect::<Vec<_>>());
        prop_assert_eq!(tables.last(Table::Declared, &prefix).expect("reads"), of_it().next_back().map(copied));
        if from.starts_with(&prefix) {
            let behind = of_it().filter(|(key, _)| **key > from).take(most);
            prop_assert_eq!(page(Bound::Excluded(&from), most), behind.map(copied).collect::<Vec<_>>());
        }
    }
}
