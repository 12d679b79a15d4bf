//! What is said of an event of this office: its stages, its receipt, and what to do with one that was refused.

use super::words;

words! {
    title() { unread km: "អ្វីដែលបានដាក់ជូន", en: "What was handed in" }
    search() { unread km: "ស្វែងរកតាមលេខសម្គាល់", en: "Search by id" }
    search_button() { unread km: "ស្វែងរក", en: "Search" }
    search_none(id: &str) { unread km: "គ្មានលេខសម្គាល់ {id} នៅទីនេះទេ", en: "There is no id {id} here" }
    in_line() { unread km: "កំពុងរង់ចាំក្នុងជួរ", en: "Waiting in line" }
    on_the_bus() { unread km: "ដល់ហើយ", en: "Arrived" }
    no_feed() { unread km: "ការិយាល័យនេះមិនមានអ្វីត្រូវដាក់ជូនទេ។", en: "There is nothing that this office hands in." }
    older_elsewhere(count: u64) { unread km: "របាយការណ៍ចាស់ជាងនេះ {count} មាននៅលើបណ្តាញ លែងមាននៅទីនេះហើយ។", en: "{count} older ones are on the network, and no longer here." }
    notice() { unread km: "សេចក្តីជូនដំណឹងរបស់កុំព្យូទ័រ៖ កំណត់ហេតុបន្តឡើងវិញ", en: "Notice of this computer: the log goes on" }
    notice_text() { unread km: "កុំព្យូទ័រនេះបានយករបាយការណ៍របស់ខ្លួនត្រឡប់ពីបណ្តាញវិញ ហើយប្រាប់អ្នកអានថាកំណត់ហេតុបន្តពីទីនោះ។ គ្មានអ្វីត្រូវធ្វើទេ។", en: "This computer took its own reports back from the network, and tells the readers that the log goes on behind them. There is nothing to do." }
    event() { unread km: "របាយការណ៍", en: "Report" }
    stages() { unread km: "ដំណាក់កាល", en: "Stages" }
    accepted() { unread km: "បានទទួលនៅទីនេះ", en: "Accepted here" }
    accepted_text() { unread km: "វាស្ថិតលើថាសរបស់កុំព្យូទ័រនេះ ហើយមិនបាត់ទេ ទោះបីដាច់ភ្លើង។", en: "It is on this computer's disk, and survives a power cut." }
    waits() { unread km: "រង់ចាំ", en: "Waiting" }
    held() { unread km: "ផ្អាក", en: "Held" }
    durable() { unread km: "ដល់ហើយ", en: "Arrived" }
    durable_text() { unread km: "បណ្តាញរក្សាទុកវា ហើយបានចេញបង្កាន់ដៃមានហត្ថលេខា។", en: "The network keeps it, and has signed a receipt." }
    confirmed() { unread km: "បានបញ្ជាក់", en: "Confirmed" }
    confirmed_text() { unread km: "អ្នកអានទាំងអស់បានទទួលវា។", en: "All its readers have it." }
    confirmed_by(have: usize, all: usize) { unread km: "អ្នកអានបានទទួល {have} ក្នុងចំណោម {all}", en: "{have} of {all} readers have it" }
    has_it(office: &str, when: &str) { unread km: "{office} បានទទួល ({when})", en: "{office} has it ({when})" }
    lacks_it(office: &str) { unread km: "{office} មិនទាន់បញ្ជាក់", en: "{office} has not confirmed yet" }
    refused() { unread km: "បានបដិសេធ", en: "Refused" }
    lost() { unread km: "បាត់ពីថាស", en: "Lost from the disk" }
    lost_text() { unread km: "ថាសបានបាត់វា មុនពេលផ្ញើ។ សូមដាក់ជូនម្តងទៀត។", en: "The disk lost it before it was sent. Hand it in again." }
    not_yet() { unread km: "មិនទាន់", en: "Not yet" }
    position(number: u64) { unread km: "លេខ {number} ក្នុងកំណត់ហេតុ", en: "Number {number} in the log" }
    data() { unread km: "ទិន្នន័យ", en: "Data" }
    data_here_no_more() { unread km: "ទិន្នន័យនេះលែងមាននៅទីនេះទៀតហើយ វាមាននៅលើបណ្តាញ។", en: "The data is no longer here; it is on the network." }
    data_no_table() { unread km: "ទិន្នន័យនេះមិនអាចបង្ហាញជាតារាងបានទេ។", en: "This data cannot be shown as a table." }
    more_rows(count: usize) { unread km: "និងជួរដេក {count} ទៀត", en: "and {count} more rows" }
    row() { unread km: "ជួរ", en: "Row" }
    corrects(id: &str) { unread km: "កែតម្រូវ {id}", en: "Corrects {id}" }
    receipt() { unread km: "បង្កាន់ដៃ", en: "Receipt" }
    receipt_page() { unread km: "បង្កាន់ដៃសម្រាប់បោះពុម្ព", en: "Receipt to print" }
    receipt_text() { unread km: "ទំព័រនេះបញ្ជាក់ថា របាយការណ៍ខាងក្រោមបានដល់បណ្តាញ ហើយត្រូវបានរក្សាទុកនៅពេលនោះ។", en: "This page shows that the report below had reached the network, and was kept there at that time." }
    receipt_not_yet() { unread km: "មិនទាន់មានបង្កាន់ដៃទេ", en: "There is no receipt yet" }
    receipt_not_yet_text() { unread km: "បង្កាន់ដៃមក ពេលរបាយការណ៍ដល់បណ្តាញ។ វាចេញដោយខ្លួនឯង។", en: "The receipt comes when the report has reached the network. It leaves by itself." }
    handed_in() { unread km: "បានដាក់ជូន", en: "Handed in" }
    kept_since() { unread km: "បណ្តាញបានរក្សាទុកតាំងពី", en: "Kept by the network since" }
    gateway() { unread km: "ច្រកទទួល", en: "Gateway" }
    signed_by() { unread km: "ចុះហត្ថលេខាដោយសោ", en: "Signed with the key" }
    fingerprint() { unread km: "ស្នាមម្រាមដៃ (SHA-256)", en: "Fingerprint (SHA-256)" }
    covers(position: u64) { unread km: "បង្កាន់ដៃនេះសម្រាប់លេខ {position} ដែលគ្របដណ្តប់គ្រប់លេខមុនវា។", en: "This receipt is for number {position}, which covers all numbers before it." }
    qr_text() { unread km: "កូដ QR មានបង្កាន់ដៃដែលបានចុះហត្ថលេខាទាំងមូល។", en: "The QR code holds the whole signed receipt." }
    qr_alt() { unread km: "កូដ QR នៃបង្កាន់ដៃ", en: "QR code of the receipt" }
    proof_file() { unread km: "ឯកសារភស្តុតាងពេញលេញ៖", en: "The whole proof as a file:" }
    fix_title() { unread km: "របាយការណ៍ដែលត្រូវកែ", en: "Reports to mend" }
    fix_text() { unread km: "របាយការណ៍ទាំងនេះត្រូវបានបដិសេធ។ គ្មានអ្វីបាត់ទេ៖ វានៅទីនេះរហូតដល់មានអ្នកសម្រេច។", en: "These reports were refused. Nothing is lost: they stay here until somebody decides." }
    fix_none() { unread km: "គ្មានអ្វីត្រូវកែទេ។", en: "There is nothing to mend." }
    reason() { unread km: "មូលហេតុ", en: "Reason" }
    at_field(field: &str) { unread km: "កន្លែង {field}", en: "At {field}" }
    release() { unread km: "ផ្ញើម្តងទៀតដដែល", en: "Send again as it is" }
    release_hint() { unread km: "បើមូលហេតុបានដោះស្រាយនៅកន្លែងផ្សេង ឧទាហរណ៍ សោថ្មី ឬកិច្ចសន្យាថ្មី", en: "Where the cause was mended elsewhere, such as a new key or a new contract" }
    drop() { unread km: "លុបចោល", en: "Drop for good" }
    drop_sure() { unread km: "តើលុបរបាយការណ៍នេះចោលមែនទេ?", en: "Drop this report for good?" }
    drop_text() { unread km: "វានឹងត្រូវលុបចេញពីកុំព្យូទ័រនេះ ហើយមិនអាចយកមកវិញបានទេ។ ឈ្មោះរបស់អ្នកត្រូវបានកត់ត្រាទុក។", en: "It goes from this computer, and cannot be brought back. Your name is written down." }
    drop_yes() { unread km: "បាទ/ចាស លុបចោល", en: "Yes, drop it" }
    drop_no() { unread km: "ទេ ទុកវាសិន", en: "No, keep it" }
    released() { unread km: "វាបានត្រឡប់ទៅក្នុងជួរវិញហើយ។", en: "It is back in line." }
    dropped() { unread km: "វាត្រូវបានលុបហើយ។", en: "It was dropped." }
    gone_already() { unread km: "វាលែងនៅទីនេះហើយ។ ប្រហែលមានអ្នកផ្សេងបានសម្រេចរួច។", en: "It is no longer here. Perhaps somebody else has decided." }
}
