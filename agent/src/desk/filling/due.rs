//! What is due: a form's expectation and what this office has handed in or begun come in, a line for each period that is over goes out, the
//! most urgent first. Who is late is not judged here: a receipt says when something was durable.

use schemas::event::Timestamp;
use schemas::form::{Every, Form};
use schemas::period::{Period, day_at};
use schemas::registry::Office;
use schemas::subject::FeedName;
use time::Date;

use super::recent::Recent;
use super::{Approval, Filling, FormId};
use crate::desk::limits::DUE_PERIODS;

/// A report that is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub feed: FeedName,
    pub period: Period,
    /// The last day on which it is on time.
    pub last: Date,
    /// Days until then; less than 0 where that day is over.
    pub left: i64,
    pub state: State,
}

/// How far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    NotBegun,
    Refused,
    Draft(FormId),
    WaitsForApproval(FormId),
    /// So many reports of this period were handed in; of these, so many wait for the link.
    HandedIn {
        all: usize,
        waiting: usize,
    },
}

impl State {
    pub fn is_done(&self) -> bool {
        matches!(self, State::HandedIn { .. })
    }
}

/// What an office has of one feed.
pub struct Have<'h> {
    pub recent: &'h Recent,
    pub drafts: &'h [Filling],
    /// The periods of what lies in the tray.
    pub refused: &'h [String],
}

/// Of the periods that are over: those that are owed, and the latest, owed or not.
pub fn of_form(form: &Form, office: &Office, have: &Have<'_>, now: Timestamp) -> Vec<Due> {
    let Some(today) = day_at(now) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for expected in form
        .expected
        .iter()
        .filter(|expected| expected.by.names(office))
    {
        for (index, period) in over(expected.every, now).enumerate() {
            let Some(last) = expected.due(period) else {
                break;
            };
            let state = state(form, period, have);
            // What the office handed in before what is here still counts, and nobody can see it.
            let is_unknown =
                state == State::NotBegun && have.recent.cut && is_older(form, period, have);
            if is_unknown || (state.is_done() && index > 0) {
                continue;
            }
            all.push(Due {
                feed: form.feed.clone(),
                period,
                last,
                left: (last - today).whole_days(),
                state,
            });
        }
    }
    all
}

/// Not done before done, and of these the one that is due first.
pub fn by_urgency(due: &mut [Due]) {
    due.sort_by_key(|due| (due.state.is_done(), due.left));
}

/// The periods that are over, the latest first.
fn over(every: Every, now: Timestamp) -> impl Iterator<Item = Period> {
    let current = match every {
        Every::Month => Period::month_at(now),
        Every::Quarter => Period::quarter_at(now),
    };
    let before = current.and_then(Period::previous);
    std::iter::successors(before, |period| period.previous()).take(DUE_PERIODS)
}

fn state(form: &Form, period: Period, have: &Have<'_>) -> State {
    let Some(field) = form.period() else {
        return State::NotBegun;
    };
    let is_it = |text: &str| text.parse() == Ok(period);
    let mut reports = periods(form, have.recent)
        .filter(|(_, text)| is_it(text))
        .peekable();
    if reports.peek().is_some() {
        let (mut all, mut waiting) = (0_usize, 0_usize);
        for (is_waiting, _) in reports {
            all = all.saturating_add(1);
            waiting = waiting.saturating_add(usize::from(is_waiting));
        }
        return State::HandedIn { all, waiting };
    }
    if have.refused.iter().any(|text| is_it(text)) {
        return State::Refused;
    }
    let of_feed = have.drafts.iter().filter(|draft| draft.feed == form.feed);
    let mut drafts = of_feed.filter(|draft| is_it(draft.typed.field(field)));
    match drafts.next().map(|draft| (draft.id, &draft.approval)) {
        Some((id, Approval::Asked { .. })) => State::WaitsForApproval(id),
        Some((id, Approval::NotAsked | Approval::GivenBack { .. })) => State::Draft(id),
        None => State::NotBegun,
    }
}

/// The periods of the reports, with whether each waits.
fn periods<'r>(form: &Form, recent: &'r Recent) -> impl Iterator<Item = (bool, &'r str)> {
    let at = form
        .period()
        .map_or_else(String::new, |field| field.at.to_string());
    recent.reports.iter().filter_map(move |report| {
        let text = report.data.pointer(&at)?.as_str()?;
        Some((report.position.is_none(), text))
    })
}

/// Whether a period is before all that is known.
fn is_older(form: &Form, period: Period, have: &Have<'_>) -> bool {
    let known = periods(form, have.recent).filter_map(|(_, text)| text.parse::<Period>().ok());
    let first = known.map(Period::first_day).min();
    first.is_none_or(|first| period.first_day() <= first)
}

#[cfg(test)]
mod tests {
    use schemas::registry::Standing;
    use serde_json::json;

    use super::super::Purpose;
    use super::super::recent::Report;
    use super::super::typed::Typed;
    use super::*;
    use crate::submit::tests::registry;

    fn form() -> Form {
        let feed = "health-quarterly".parse().expect("a feed");
        Form::of(&registry(), &feed).expect("a form").expect("good")
    }

    fn office() -> Office {
        Office {
            id: "moh/siem-reap".parse().expect("an office"),
            title_en: String::new(),
            title_km: String::new(),
            standing: Standing::Provincial,
            province: Some("17".to_owned()),
            node: None,
            agents: None,
        }
    }

    fn now() -> Timestamp {
        Timestamp::from_rfc3339("2026-10-12T03:00:00Z").expect("a time")
    }

    fn told(have: &Have<'_>) -> Vec<(String, i64, State)> {
        let mut due = of_form(&form(), &office(), have, now());
        by_urgency(&mut due);
        due.into_iter()
            .map(|due| (due.period.to_string(), due.left, due.state))
            .collect()
    }

    fn recent(periods: &[&str], cut: bool) -> Recent {
        let report = |period: &&str| Report {
            data: json!({ "period": period }),
            position: None,
        };
        Recent {
            reports: periods.iter().map(report).collect(),
            cut,
        }
    }

    #[test]
    fn what_was_not_handed_in_is_owed_the_oldest_first_and_nothing_before_it_was_expected() {
        let have = Have {
            recent: &recent(&["2026Q2"], false),
            drafts: &[],
            refused: &[],
        };
        let not_begun = |period: &str, left| (period.to_owned(), left, State::NotBegun);
        assert_eq!(
            told(&have),
            [not_begun("2026Q1", -180), not_begun("2026Q3", 3)]
        );
    }

    #[test]
    fn a_draft_a_refusal_and_a_report_of_the_last_period_are_told_as_they_are() {
        let draft = Filling {
            id: FormId::new(),
            feed: "health-quarterly".parse().expect("a feed"),
            version: 1,
            saved_ms: 1,
            by: None,
            typed: Typed {
                own: [("/period".to_owned(), "2026Q1".to_owned())].into(),
                rows: Vec::new(),
            },
            note: String::new(),
            purpose: Purpose::New,
            approval: Approval::NotAsked,
        };
        let have = Have {
            recent: &recent(&["2026Q3"], false),
            drafts: std::slice::from_ref(&draft),
            refused: &["2026Q2".to_owned()],
        };
        let states: Vec<State> = told(&have).into_iter().map(|(_, _, state)| state).collect();
        let handed_in = State::HandedIn { all: 1, waiting: 1 };
        assert_eq!(states, [State::Draft(draft.id), State::Refused, handed_in]);
    }

    #[test]
    fn what_was_before_all_that_is_here_is_not_called_missing() {
        let have = Have {
            recent: &recent(&["2026Q2"], true),
            drafts: &[],
            refused: &[],
        };
        let periods: Vec<String> = told(&have)
            .into_iter()
            .map(|(period, _, _)| period)
            .collect();
        assert_eq!(periods, ["2026Q3"]);
    }
}
