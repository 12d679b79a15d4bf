//! What is said of what other offices have sent.

use super::words;

words! {
    title() { unread km: "អ្វីដែលបានទទួល", en: "What was received" }
    none() { unread km: "គ្មានប្រភេទរបាយការណ៍ដែលការិយាល័យនេះអាចអានទេ។", en: "There is no feed that this office may read." }
    arrived() { unread km: "បានមកដល់", en: "Arrived here" }
    last() { unread km: "លេខចុងក្រោយ", en: "Last number" }
    from() { unread km: "មកពី", en: "From" }
    recorded() { unread km: "កត់ត្រា", en: "Recorded" }
    complete() { unread km: "គ្រប់លេខ", en: "Complete" }
    missing(count: u64) { unread km: "ខ្វះ {count} លេខ កំពុងស្វែងរក", en: "{count} numbers are missing, and are looked for" }
    offices_sending() { unread km: "ការិយាល័យដែលផ្ញើ", en: "Offices that send" }
    checked() { unread km: "ហត្ថលេខា និងលេខរៀងរបស់វាត្រូវបានពិនិត្យនៅទីនេះ។", en: "Its signature and its number in the log were checked here." }
    unreadable() { unread km: "មិនអាចអានបាន", en: "Cannot be read" }
}
