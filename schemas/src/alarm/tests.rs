use std::collections::BTreeSet;

use super::*;

#[test]
fn no_two_alarms_share_a_code_and_each_is_found_by_it() {
    let codes: BTreeSet<&str> = Alarm::ALL.iter().map(|alarm| alarm.code()).collect();
    assert_eq!(codes.len(), Alarm::ALL.len());
    for alarm in Alarm::ALL {
        assert_eq!(Alarm::named(alarm.code()), Some(*alarm));
    }
    assert_eq!(Alarm::named("nothing-of-the-kind"), None);
}

#[test]
fn every_alarm_says_in_both_languages_what_it_means_and_what_to_do() {
    let khmer = |c: char| ('\u{1780}'..='\u{17ff}').contains(&c);
    for alarm in Alarm::ALL {
        let Help {
            code,
            meaning,
            to_do,
            ..
        } = alarm.help();
        assert!(
            code.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            "{code}"
        );
        for text in [meaning, to_do] {
            assert!(text.en.ends_with('.'), "{code}: {}", text.en);
            assert!(!text.en.chars().any(khmer), "{code}: {}", text.en);
            assert!(text.km.chars().any(khmer), "{code}: {}", text.km);
        }
    }
}

#[test]
fn what_ends_a_start_is_never_over_by_itself() {
    for alarm in Alarm::ALL {
        let Help {
            effect,
            severity,
            call,
            ..
        } = alarm.help();
        let acts = *severity >= Severity::Error && *call != Call::Nobody;
        assert!(*effect != Effect::Ends || acts, "{alarm}");
    }
}
