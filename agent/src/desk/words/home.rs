//! What the home page says: the link, what waits, what was sent last.

use super::words;

words! {
    title() { unread km: "ថ្ងៃនេះនៅការិយាល័យ", en: "Today at the office" }
    link() { unread km: "ការតភ្ជាប់", en: "Connection" }
    connected(since: &str) { unread km: "មានការតភ្ជាប់ តាំងពី {since}", en: "Connected since {since}" }
    connected_text() { unread km: "អ្វីដែលដាក់ជូនត្រូវបានផ្ញើភ្លាមៗ។", en: "What is handed in leaves at once." }
    no_connection(since: &str) { unread km: "គ្មានការតភ្ជាប់ តាំងពី {since}", en: "No connection since {since}" }
    connecting() { unread km: "កំពុងតភ្ជាប់", en: "Connecting" }
    turned_away(since: &str) { unread km: "បណ្តាញមិនទទួលការិយាល័យនេះទេ តាំងពី {since}", en: "The network does not take this office, since {since}" }
    waiting_safely(count: u64) { unread km: "របាយការណ៍ {count} រង់ចាំដោយសុវត្ថិភាពលើថាសរបស់កុំព្យូទ័រនេះ ហើយនឹងចេញដោយខ្លួនឯង។", en: "{count} reports wait safely on this computer's disk; they leave by themselves." }
    one_waiting_safely() { unread km: "របាយការណ៍មួយរង់ចាំដោយសុវត្ថិភាពលើថាសរបស់កុំព្យូទ័រនេះ ហើយនឹងចេញដោយខ្លួនឯង។", en: "One report waits safely on this computer's disk; it leaves by itself." }
    nothing_waits() { unread km: "គ្មានអ្វីរង់ចាំទេ។ អ្នកអាចបន្តការងារបាន៖ អ្វីដែលដាក់ជូនត្រូវបានរក្សាទុកនៅទីនេះសិន។", en: "Nothing waits. You can go on working: what is handed in is kept here first." }
    disk_stopped() { unread km: "ថាសខូច៖ មិនអាចទទួលអ្វីថ្មីបានទេ", en: "The disk failed: nothing new can be accepted" }
    disk_stopped_text() { unread km: "សូមហៅអ្នកមើលការខុសត្រូវកុំព្យូទ័រឥឡូវនេះ។ អ្វីដែលបានទទួលមុននេះមិនត្រូវបានប៉ះពាល់ទេ។", en: "Call the person who looks after this computer now. What was accepted before is not touched." }
    why(reason: &str) { unread km: "មូលហេតុ៖ {reason}", en: "Reason: {reason}" }
    what_waits() { unread km: "អ្វីដែលរង់ចាំ", en: "What waits" }
    waiting() { unread km: "រង់ចាំ", en: "Waiting" }
    oldest() { unread km: "ចាស់បំផុត", en: "Oldest" }
    durable() { unread km: "ដល់ហើយ", en: "Arrived" }
    refused() { unread km: "បានបដិសេធ", en: "Refused" }
    since(when: &str) { unread km: "តាំងពី {when}", en: "since {when}" }
    to_fix_one() { unread km: "របាយការណ៍មួយត្រូវបានបដិសេធ ហើយត្រូវកែ", en: "One report was refused and has to be mended" }
    to_fix_many(count: usize) { unread km: "របាយការណ៍ {count} ត្រូវបានបដិសេធ ហើយត្រូវកែ", en: "{count} reports were refused and have to be mended" }
    look() { unread km: "មើល និងកែ", en: "See and mend" }
    due() { unread km: "អ្វីដែលត្រូវដាក់ជូន", en: "What is due" }
    report() { unread km: "របាយការណ៍", en: "Report" }
    until() { unread km: "ត្រឹមថ្ងៃ", en: "Due by" }
    to_do() { unread km: "អ្វីដែលត្រូវធ្វើ", en: "What to do" }
    not_begun() { unread km: "មិនទាន់ចាប់ផ្តើម", en: "Not begun" }
    today() { unread km: "ថ្ងៃនេះជាថ្ងៃចុងក្រោយ", en: "today is the last day" }
    days_left(count: u64) { unread km: "នៅសល់ {count} ថ្ងៃ", en: "{count} days left" }
    days_late(count: u64) { unread km: "យឺត {count} ថ្ងៃ", en: "{count} days late" }
    reports_arrived(all: usize) { unread km: "បានដល់ {all}", en: "{all} arrived" }
    reports_waiting(all: usize, waiting: usize) { unread km: "បានដាក់ជូន {all} ក្នុងនោះ {waiting} រង់ចាំការតភ្ជាប់", en: "{all} handed in, of which {waiting} wait for the connection" }
    see() { unread km: "មើល", en: "See" }
    last_sent() { unread km: "ដាក់ជូនចុងក្រោយ", en: "Last handed in" }
    nothing_sent() { unread km: "ការិយាល័យនេះមិនទាន់បានដាក់ជូនអ្វីទេ។", en: "This office has not handed in anything yet." }
    all_sent() { unread km: "មើលទាំងអស់", en: "See all" }
    held(reason: &str) { unread km: "ផ្អាក៖ {reason}", en: "Held: {reason}" }
}
