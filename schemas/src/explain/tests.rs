use super::*;

#[test]
fn a_code_is_found_by_its_name_and_by_its_number_on_the_wire() {
    let codes = Codes::shared();
    let by_name = codes.find("bus-full");
    assert_eq!(by_name.len(), 1);
    assert_eq!(by_name, codes.find("60211"));
    assert_eq!(codes.find("60123"), Vec::<&Page>::new());
    assert_eq!(codes.find(""), Vec::<&Page>::new());
}

#[test]
fn what_is_nearly_a_code_names_those_that_may_be_meant() {
    let codes = Codes::shared();
    assert_eq!(codes.near("log-damged").first(), Some(&"log-damaged"));
    assert_eq!(
        codes.near("store-of"),
        [
            "store-of-another-authority",
            "store-of-another-office",
            "store-of-format-1"
        ]
    );
    assert_eq!(
        codes.near("accepted-event-lost").first(),
        Some(&"accepted-events-lost")
    );
    assert_eq!(codes.near("zzzzzzzzz"), Vec::<&str>::new());
    assert!(codes.near("e").len() <= NEAR_MAX);
    assert_eq!(codes.near(&"x".repeat(100_000)), Vec::<&str>::new());
    assert_eq!(
        codes.unknown("log-damged", "spean-agent"),
        "no code is called \"log-damged\"\n  near it: log-damaged\n  spean-agent explain lists them all"
    );
}

#[test]
fn a_page_says_what_it_means_what_to_do_and_whom_to_call() {
    let codes = Codes::shared();
    let page = codes
        .find("settled-event-unread")
        .first()
        .copied()
        .expect("known");
    assert_eq!(
        page.told(Some(Language::En)),
        "settled-event-unread  warning: nothing waits for it\n  What is found amiss in the agent's stores\n\n  \
         The signed bytes of an event that is on the bus do not read here any more; the text names it.\n\n  \
         What to do: See to the disk; the bus and its readers have the event.\n\n  Whom to call: whoever looks after this machine\n"
    );
    let page = codes.find("office-closed").first().copied().expect("known");
    let khmer = page.told(Some(Language::Km));
    assert!(khmer.starts_with("office-closed (60241)  ធ្ងន់ធ្ងរ:"), "{khmer}");
    assert!(khmer.contains("ទាក់ទងអ្នកណា: អាជ្ញាធរ"), "{khmer}");
    let both = page.told(None);
    assert!(both.ends_with(&khmer), "{both}");
    assert!(both.contains("Whom to call: the authority"), "{both}");
}

#[test]
fn a_row_of_the_list_is_short() {
    for page in Codes::shared().pages() {
        let [code, severity, meaning] = page.row(Language::En);
        assert!(!code.is_empty() && !severity.is_empty() && !meaning.is_empty());
        assert!(meaning.chars().count() <= 200, "{code}: {meaning}");
        assert!(!page.row(Language::Km).iter().any(String::is_empty));
    }
}

#[test]
fn what_one_program_adds_stands_beside_what_both_know() {
    let own = Page::plain("bus-full", Chapter::Breaches, "the same word elsewhere");
    let codes = Codes::shared().with([own.clone()]);
    let found = codes.find("bus-full");
    assert_eq!(found.len(), 2);
    assert_eq!(found.last(), Some(&&own));
    assert_eq!(own.en, "The same word elsewhere.");
    assert!(own.told(Some(Language::Km)).contains("The same word"));
}
