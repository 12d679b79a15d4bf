//! Every sentence that a person reads at the desk: a language and what goes into the sentence come in, text goes out. Both languages
//! of a message stand in one item; without Khmer it does not compile. No page writes text of its own.

use super::dates;

pub mod door;
pub mod enter;
pub mod frame;
pub mod help;
pub mod home;
pub mod import;
pub mod precautions;
pub mod received;
pub mod sent;

/// A language of the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    Km,
    En,
    /// No language: every message in brackets, so that text which stands beside the words is seen.
    Qps,
}

impl Lang {
    /// As `lang` and `?lang=` write it.
    pub fn code(self) -> &'static str {
        match self {
            Lang::Km => "km",
            Lang::En => "en",
            Lang::Qps => "qps",
        }
    }

    pub fn of_code(code: &str) -> Option<Lang> {
        [Lang::Km, Lang::En, Lang::Qps]
            .into_iter()
            .find(|lang| lang.code() == code)
    }

    /// One of two texts that come with the data: a feed's titles, a code's sentences.
    pub fn pick<'t>(self, km: &'t str, en: &'t str) -> &'t str {
        match self {
            Lang::Km => km,
            Lang::En | Lang::Qps => en,
        }
    }
}

/// What goes into a sentence.
pub(crate) trait Said {
    /// As this language writes it there: numbers in Khmer prose have Khmer digits.
    fn said(self, lang: Lang) -> String;
}

impl Said for &str {
    fn said(self, _: Lang) -> String {
        self.to_owned()
    }
}

impl Said for u64 {
    fn said(self, lang: Lang) -> String {
        dates::digits(lang, self)
    }
}

impl Said for u32 {
    fn said(self, lang: Lang) -> String {
        u64::from(self).said(lang)
    }
}

impl Said for usize {
    fn said(self, lang: Lang) -> String {
        u64::try_from(self).unwrap_or(u64::MAX).said(lang)
    }
}

/// Makes a function of each message. `unread` before the Khmer says that no native reader has read it yet.
macro_rules! words {
    ($($name:ident($($given:ident: $type:ty),*) { $(unread)? km: $km:literal, en: $en:literal })*) => {
        $(
            pub fn $name(lang: $crate::desk::words::Lang $(, $given: $type)*) -> String {
                $(let $given = $crate::desk::words::Said::said($given, lang);)*
                match lang {
                    $crate::desk::words::Lang::Km => format!($km),
                    $crate::desk::words::Lang::En => format!($en),
                    $crate::desk::words::Lang::Qps => format!("⟦{}⟧", format_args!($en)),
                }
            }
        )*

        #[cfg(test)]
        pub const ALL: &[(&str, &str, &str)] = &[$((stringify!($name), $km, $en)),*];
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn all() -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
        let rooms = [
            door::ALL,
            enter::ALL,
            frame::ALL,
            help::ALL,
            home::ALL,
            import::ALL,
            precautions::ALL,
            received::ALL,
            sent::ALL,
        ];
        rooms.into_iter().flatten()
    }

    fn placeholders(text: &str) -> BTreeSet<&str> {
        let opened = text.split('{').skip(1);
        opened.filter_map(|rest| rest.split('}').next()).collect()
    }

    #[test]
    fn every_message_is_said_in_khmer_with_the_same_facts_as_in_english() {
        let khmer = |c: char| ('\u{1780}'..='\u{17FF}').contains(&c);
        for (name, km, en) in all() {
            assert!(km.contains(khmer), "{name}: {km}");
            assert!(!en.contains(khmer), "{name}: {en}");
            assert_eq!(placeholders(km), placeholders(en), "{name}");
        }
    }

    #[test]
    fn no_message_has_a_space_that_nobody_sees() {
        let unseen = ['\u{200B}', '\u{200C}', '\u{200D}', '\u{A0}', '\u{FEFF}'];
        for (name, km, en) in all() {
            assert!(!km.contains(unseen) && !en.contains(unseen), "{name}");
        }
    }

    #[test]
    fn one_english_text_has_one_khmer_text() {
        let mut known: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, km, en) in all() {
            assert_eq!(known.insert(en, km).unwrap_or(km), *km, "{name}: {en}");
        }
    }

    #[test]
    fn text_of_no_language_shows_where_it_came_from() {
        assert_eq!(
            home::waiting_safely(Lang::Qps, 14),
            "⟦14 reports wait safely on this computer's disk; they leave by themselves.⟧"
        );
    }
}
