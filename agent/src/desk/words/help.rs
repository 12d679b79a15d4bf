//! What help says: codes, safety, and what the journal holds.

use super::words;

words! {
    title() { unread km: "ជំនួយ", en: "Help" }
    safe() { unread km: "របាយការណ៍របស់អ្នកមានសុវត្ថិភាព", en: "Your reports are safe" }
    safe_text() { unread km: "អ្វីដែលបានទទួលត្រូវបានរក្សាទុកលើថាសរបស់កុំព្យូទ័រនេះ មុនពេលអ្នកឃើញចម្លើយ។ ទោះបីដាច់ភ្លើង ឬដាច់បណ្តាញ ក៏វាមិនបាត់ ហើយចេញដោយខ្លួនឯងពេលមានការតភ្ជាប់។", en: "What is accepted is on this computer's disk before you see the answer. A power cut or a broken line loses nothing; it leaves by itself when the connection is back." }
    stages_title() { unread km: "ស្ថានភាពនីមួយៗមានន័យដូចម្តេច", en: "What each state means" }
    codes_title() { unread km: "លេខកូដ និងអ្វីដែលត្រូវធ្វើ", en: "Codes, and what to do" }
    codes_text() { unread km: "នៅពេលមានអ្វីត្រូវបានបដិសេធ ឬផ្អាក វាមានលេខកូដមួយ។", en: "What is refused or held has a code." }
    code_unknown() { unread km: "គ្មានលេខកូដនេះនៅទីនេះទេ", en: "There is no such code here" }
    code_unknown_text() { unread km: "កម្មវិធីនេះមិនស្គាល់លេខកូដនេះទេ។ វាអាចមកពីកម្មវិធីថ្មីជាង។ សូមសួរអ្នកមើលការខុសត្រូវកុំព្យូទ័រ។", en: "This program does not know this code. It may come from a newer one. Ask the person who looks after this computer." }
    severity() { unread km: "ភាពធ្ងន់ធ្ងរ", en: "How urgent" }
    keep_safe() { unread km: "ការប្រុងប្រយ័ត្ន", en: "Take care" }
    keep_safe_pin() { unread km: "កុំប្រាប់លេខសម្ងាត់ដល់អ្នកណា ហើយចាកចេញពេលអ្នកក្រោកពីតុ។", en: "Tell nobody your PIN, and sign out when you leave the desk." }
    keep_safe_address() { unread km: "កុំផ្ញើអាសយដ្ឋានបើកតុការងារតាមអ៊ីមែល ឬសារ។", en: "Send the address that opens the desk neither by e-mail nor by message." }
    keep_safe_usb() { unread km: "កុំដោតថាសយូអេសប៊ីដែលអ្នកមិនស្គាល់ចូលកុំព្យូទ័រនេះ។", en: "Put no USB stick that you do not know into this computer." }
    journal_title() { unread km: "អ្នកណាបានធ្វើអ្វី", en: "Who did what" }
    journal_text() { unread km: "បញ្ជីនេះនៅតែក្នុងកុំព្យូទ័រនេះ ហើយមិនចេញពីការិយាល័យទេ។", en: "This list stays on this computer, and never leaves the office." }
    who() { unread km: "អ្នកណា", en: "Who" }
    did() { unread km: "បានធ្វើ", en: "Did" }
    the_office() { unread km: "ការិយាល័យ", en: "Office" }
    act_opened() { unread km: "បានបើកតុការងារក្នុងកម្មវិធីរុករកមួយ", en: "opened the desk in a browser" }
    act_signed_in() { unread km: "បានចូល", en: "signed in" }
    act_signed_out() { unread km: "បានចាកចេញ", en: "signed out" }
    act_pin_wrong() { unread km: "វាយលេខសម្ងាត់ខុស", en: "gave a wrong PIN" }
    act_released() { unread km: "បានផ្ញើម្តងទៀត", en: "sent again" }
    act_handed_in() { unread km: "បានដាក់ជូន", en: "handed in" }
    act_handed_in_sheet(count: usize) { unread km: "បានដាក់ជូនរបាយការណ៍ {count} ពីតារាង", en: "handed in {count} reports of a sheet" }
    act_withdrew() { unread km: "បានដកវិញ", en: "withdrew" }
    act_asked() { unread km: "បានស្នើសុំការអនុម័ត", en: "asked for approval" }
    act_gave_back() { unread km: "បានប្រគល់ឱ្យវិញ", en: "gave back" }
    act_dropped() { unread km: "បានលុបចោល", en: "dropped for good" }
}
