//! Words for a person, in both languages of the bus: a language or a locale comes in, a text goes out. Nothing reads the environment
//! here.

use serde::Serialize;

/// One of the two languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    En,
    Km,
}

/// Neither of the two was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the languages are en and km")]
pub struct LanguageFault;

impl std::str::FromStr for Language {
    type Err = LanguageFault;

    fn from_str(text: &str) -> Result<Language, LanguageFault> {
        match text {
            "en" => Ok(Language::En),
            "km" => Ok(Language::Km),
            _ => Err(LanguageFault),
        }
    }
}

impl Language {
    /// The one that was asked for, else the one of the locale, by the names that POSIX gives its parts; None shows both.
    pub fn chosen(
        asked: Option<Language>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Option<Language> {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| environment(name).filter(|locale| !locale.is_empty()));
        asked.or_else(|| Language::of_locale(&locale?))
    }

    /// The language of a locale such as `km_KH.UTF-8`; None for one that says neither, such as `C`: then both are shown.
    pub fn of_locale(locale: &str) -> Option<Language> {
        let end = locale.find(['_', '.', '@']).unwrap_or(locale.len());
        locale.get(..end)?.parse().ok()
    }
}

/// The same in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Text {
    pub en: &'static str,
    pub km: &'static str,
}

/// A text whose Khmer a machine has written, and that no native reader has read yet. Whoever has read one writes it as a [`Text`].
pub const fn unread(en: &'static str, km: &'static str) -> Text {
    Text { en, km }
}

impl Text {
    pub const fn of(self, language: Language) -> &'static str {
        match language {
            Language::En => self.en,
            Language::Km => self.km,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_stands_before_the_locale() {
        let khmer = |name: &str| (name == "LANG").then(|| "km_KH.UTF-8".to_owned());
        assert_eq!(Language::chosen(None, khmer), Some(Language::Km));
        let english = Some(Language::En);
        assert_eq!(Language::chosen(english, khmer), english);
        let plain = |name: &str| match name {
            "LC_ALL" => Some(String::new()),
            "LC_MESSAGES" => Some("C".to_owned()),
            _ => khmer(name),
        };
        assert_eq!(Language::chosen(None, plain), None);
        assert_eq!(Language::chosen(None, |_| None), None);
    }

    #[test]
    fn a_locale_says_a_language_or_neither() {
        assert_eq!(Language::of_locale("km_KH.UTF-8"), Some(Language::Km));
        assert_eq!(Language::of_locale("km"), Some(Language::Km));
        assert_eq!(Language::of_locale("en_GB.UTF-8"), Some(Language::En));
        for neither in ["", "C", "C.UTF-8", "POSIX", "fr_FR", "kmx_KH", "_km"] {
            assert_eq!(Language::of_locale(neither), None, "{neither}");
        }
    }
}
