//! The tables of ministries, provinces and nodes: the files under `nodes/` come in, rows go out; a province's name in any
//! known spelling comes in, the province goes out. Nothing here is guessed: an unknown spelling is no province.
//!
//! The running system asks the registry, not these tables, who exists; they fill a new registry, and read spreadsheets.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// A ministry or agency; its code is the first part of its offices' ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ministry {
    pub code: String,
    pub abbreviation: String,
    pub name_en: String,
    pub name_km: String,
}

/// A province or the capital, under its three codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Province {
    /// The NCDD code, with its zero: `17`.
    pub code: String,
    pub iso: String,
    /// The code that feeds carry: `KH17`.
    pub pcode: String,
    /// As an office's id writes it: `siem-reap`.
    pub place: String,
    pub name_en: String,
    pub name_km: String,
}

/// A node of the National Information Infrastructure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    pub id: String,
    /// The province's NCDD code.
    pub province: String,
    /// The access node that a remote node hangs on; an access node hangs on the backbone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// As the 2009 study prints it, misprints kept.
    pub printed_name: String,
    pub name: String,
}

pub static MINISTRIES: LazyLock<Vec<Ministry>> = LazyLock::new(|| {
    rows(include_str!("../nodes/ministries.tsv"))
        .map(|[code, abbreviation, name_en, name_km]| Ministry {
            code: code.into(),
            abbreviation: abbreviation.into(),
            name_en: name_en.into(),
            name_km: name_km.into(),
        })
        .collect()
});

pub static PROVINCES: LazyLock<Vec<Province>> = LazyLock::new(|| {
    rows(include_str!("../nodes/provinces.tsv"))
        .map(|[code, iso, pcode, place, name_en, name_km]| Province {
            code: code.into(),
            iso: iso.into(),
            pcode: pcode.into(),
            place: place.into(),
            name_en: name_en.into(),
            name_km: name_km.into(),
        })
        .collect()
});

/// The 26 access nodes, then the 132 remote nodes behind them.
pub static NODES: LazyLock<Vec<Node>> = LazyLock::new(|| {
    let access = rows(include_str!("../nodes/access.tsv")).map(
        |[id, province, _printed_province, printed_name, name]| Node {
            id: id.into(),
            province: province.into(),
            access: None,
            printed_name: printed_name.into(),
            name: name.into(),
        },
    );
    let remote = rows(include_str!("../nodes/remote.tsv")).map(
        |[id, province, access, printed_name, name]| Node {
            id: id.into(),
            province: province.into(),
            access: Some(access.into()),
            printed_name: printed_name.into(),
            name: name.into(),
        },
    );
    access.chain(remote).collect()
});

static SPELLINGS: LazyLock<HashMap<String, &'static Province>> = LazyLock::new(|| {
    rows(include_str!("../nodes/spellings.tsv"))
        .filter_map(|[spelling, code, _source]| Some((folded(spelling), province_by_code(code)?)))
        .collect()
});

/// The province that a spreadsheet calls so, in any known spelling, English or Khmer.
pub fn province_by_name(name: &str) -> Option<&'static Province> {
    SPELLINGS.get(&folded(name)).copied()
}

/// The province of an NCDD code (`17`), a P-code (`KH17`) or an ISO code (`KH-17`), exactly as written there.
pub fn province_by_code(code: &str) -> Option<&'static Province> {
    PROVINCES.iter().find(|province| {
        [&province.code, &province.pcode, &province.iso].contains(&&code.to_owned())
    })
}

/// What spellings of one name have in common; see `nodes/README.md`.
fn folded(name: &str) -> String {
    let ignored =
        |c: char| c.is_whitespace() || "-_.'’\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}".contains(c);
    let letters: String = name
        .chars()
        .filter(|&c| !ignored(c))
        .flat_map(char::to_lowercase)
        .collect();
    // The subscripts DA and TA are drawn alike, and both are in official use: កណ្ដាល, កណ្តាល.
    let letters = letters.replace("\u{17d2}\u{178a}", "\u{17d2}\u{178f}");
    let mut bare = letters.strip_suffix("province").unwrap_or(&letters);
    for title in ["ខេត្ត", "រាជធានី", "ក្រុង", "krong"] {
        bare = bare.strip_prefix(title).unwrap_or(bare);
    }
    bare.to_owned()
}

/// The rows of a table below its heading.
#[expect(
    clippy::panic,
    reason = "the tables are part of the program and tested"
)]
fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    table.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        fields
            .try_into()
            .unwrap_or_else(|_| panic!("a table of the program has another width at {line:?}"))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn the_tables_have_their_counts_and_no_id_twice() {
        assert_eq!(MINISTRIES.len(), 33);
        assert_eq!(PROVINCES.len(), 25);
        assert_eq!(NODES.iter().filter(|n| n.access.is_none()).count(), 26);
        assert_eq!(NODES.iter().filter(|n| n.access.is_some()).count(), 132);
        let unique = |ids: Vec<&str>| ids.len() == ids.iter().collect::<BTreeSet<_>>().len();
        assert!(unique(MINISTRIES.iter().map(|m| &*m.code).collect()));
        assert!(unique(
            PROVINCES
                .iter()
                .flat_map(|p| [&*p.code, &p.iso, &p.pcode, &p.place])
                .collect()
        ));
        assert!(unique(NODES.iter().map(|n| &*n.id).collect()));
    }

    #[test]
    fn the_remote_nodes_of_each_province_are_those_that_the_study_counts() {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for node in NODES.iter().filter(|node| node.access.is_some()) {
            *counts.entry(&*node.province).or_default() += 1;
        }
        let expected = [
            ("01", 6),
            ("02", 9),
            ("03", 9),
            ("06", 6),
            ("07", 5),
            ("08", 6),
            ("12", 52),
            ("17", 14),
            ("18", 19),
            ("21", 6),
        ];
        assert_eq!(counts, BTreeMap::from(expected));
    }

    #[test]
    fn a_remote_node_hangs_on_an_access_node_of_its_own_province() {
        let access: BTreeMap<&str, &str> = NODES
            .iter()
            .filter(|node| node.access.is_none())
            .map(|node| (&*node.id, &*node.province))
            .collect();
        for node in NODES.iter() {
            assert!(province_by_code(&node.province).is_some(), "{}", node.id);
            assert!(node.id.starts_with(&*node.province), "{}", node.id);
            if let Some(behind) = &node.access {
                assert_eq!(access.get(&**behind), Some(&&*node.province), "{}", node.id);
            }
        }
        let double = NODES
            .iter()
            .filter(|node| node.name.contains(" & "))
            .count();
        assert_eq!(double, 10, "ten remote nodes hold two offices each");
    }

    #[test]
    fn khmer_names_are_written_in_khmer_throughout() {
        let khmer = |c: char| ('\u{1780}'..='\u{17ff}').contains(&c) || c == ' ' || c == '-';
        let names = MINISTRIES.iter().map(|m| &m.name_km);
        for name in names.chain(PROVINCES.iter().map(|p| &p.name_km)) {
            assert!(name.chars().all(khmer) && !name.is_empty(), "{name}");
        }
    }

    #[test]
    fn every_spelling_leads_to_one_province() {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for [spelling, code, _] in rows(include_str!("../nodes/spellings.tsv")) {
            let province = province_by_name(spelling).expect(spelling);
            assert_eq!(province.code, code, "{spelling}");
            assert_eq!(
                *seen.entry(folded(spelling)).or_insert(code),
                code,
                "{spelling}"
            );
        }
    }

    #[test]
    fn spellings_that_look_alike_or_are_older_are_known_and_others_are_not() {
        let code = |name| province_by_name(name).map(|province| &*province.code);
        assert_eq!(code("កណ្ដាល"), Some("08"));
        assert_eq!(code("កណ្តាល"), Some("08"));
        assert_eq!(code("រាជធានីភ្នំពេញ"), Some("12"));
        assert_eq!(code("ខេត្ត សៀមរាប"), Some("17"));
        for name in [
            "Siemreap",
            "SIEM REAP",
            "Siem Reab",
            "siem-reap",
            " Siem Reap Province",
        ] {
            assert_eq!(code(name), Some("17"), "{name}");
        }
        for name in [
            "Sihanouk Ville",
            "Preah Sihanouk",
            "Kompong Som",
            "Krong Preah Sihanouk",
        ] {
            assert_eq!(code(name), Some("18"), "{name}");
        }
        assert_eq!(code("Battam Bang"), Some("02"));
        for name in ["", "Kampong", "Siem", "Saigon", "province", "17"] {
            assert_eq!(code(name), None, "{name}");
        }
        assert_eq!(province_by_code("KH-1").map(|p| &*p.code), Some("01"));
        assert_eq!(province_by_code("1").map(|p| &*p.code), None);
    }
}
