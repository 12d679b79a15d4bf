//! What is said where a form is filled in: drafts, fields, what is wrong, what to look at again, handing in.

use super::words;

words! {
    title() { unread km: "ដាក់ជូនរបាយការណ៍", en: "Hand in a report" }
    lead() { unread km: "ជ្រើសរើសប្រភេទរបាយការណ៍។ អ្វីដែលអ្នកសរសេរត្រូវបានរក្សាទុកលើថាសរបស់កុំព្យូទ័រនេះ ហើយពិនិត្យដោយមិនត្រូវការការតភ្ជាប់ទេ។", en: "Choose a feed. What you write is kept on this computer's disk, and is checked without a connection." }
    begin() { unread km: "បំពេញទម្រង់", en: "Fill in the form" }
    by_sheet() { unread km: "ពីសៀវភៅតារាង", en: "From a spreadsheet" }
    no_form() { unread km: "គ្មានទម្រង់សម្រាប់ការិយាល័យនេះទេ។", en: "There is no form that this office fills in." }
    drafts() { unread km: "សេចក្តីព្រាង", en: "Drafts" }
    draft() { unread km: "សេចក្តីព្រាង", en: "Draft" }
    saved_at() { unread km: "រក្សាទុក", en: "Saved" }
    saved_by(name: &str) { unread km: "ដោយ {name}", en: "by {name}" }
    go_on() { unread km: "បន្ត", en: "Go on" }
    empty_draft() { unread km: "មិនទាន់បានបំពេញ", en: "Nothing filled in yet" }
    drafts_full() { unread km: "មានសេចក្តីព្រាងច្រើនពេក។ សូមដាក់ជូន ឬលុបខ្លះសិន។", en: "There are too many drafts. Hand some in or discard some first." }
    not_as_form() { unread km: "របាយការណ៍នេះមានអ្វីដែលទម្រង់មិនអាចបង្ហាញ។ សូមកែវានៅក្នុងកម្មវិធីដែលបានបង្កើតវា។", en: "This report says something that the form cannot show. Mend it in the program that made it." }
    form_text() { unread km: "អ្នកអាចរក្សាទុក ហើយបន្តពេលក្រោយ។ លេខអាចសរសេរជាលេខខ្មែរ ឬឡាតាំង។", en: "You can save, and go on later. Numbers may be written in Khmer or Latin digits." }
    optional() { unread km: "មិនចាំបាច់", en: "optional" }
    unless_said(value: &str) { unread km: "បើទុកឱ្យទទេ៖ {value}", en: "if left empty: {value}" }
    choose() { unread km: "ជ្រើសរើស", en: "Choose" }
    row() { unread km: "ជួរ", en: "Row" }
    row_number(number: usize) { unread km: "ជួរទី {number}", en: "Row {number}" }
    rows_shown(first: usize, last: usize, all: usize) { unread km: "ជួរទី {first} ដល់ {last} ក្នុងចំណោម {all}", en: "Rows {first} to {last} of {all}" }
    rows_before() { unread km: "ជួរមុន", en: "Rows before" }
    rows_after() { unread km: "ជួរបន្ទាប់", en: "Rows after" }
    check() { unread km: "ពិនិត្យ និងបន្ត", en: "Check and go on" }
    save() { unread km: "រក្សាទុក", en: "Save" }
    more_rows() { unread km: "រក្សាទុក និងបន្ថែមជួរ", en: "Save and add rows" }
    copy() { unread km: "ចម្លងពីលើកមុន", en: "Copy from last time" }
    copied() { unread km: "បានចម្លងពីរបាយការណ៍មុន។ សូមពិនិត្យតួលេខនីមួយៗ។", en: "Copied from the report before. Look at each figure." }
    copy_none() { unread km: "គ្មានរបាយការណ៍មុននៅទីនេះទេ។", en: "There is no report before this one here." }
    discard() { unread km: "បោះបង់សេចក្តីព្រាង", en: "Discard the draft" }
    discard_sure() { unread km: "បោះបង់សេចក្តីព្រាងនេះមែនទេ?", en: "Discard this draft?" }
    discard_text() { unread km: "អ្វីដែលបានសរសេរនឹងបាត់ ហើយមិនអាចយកមកវិញបានទេ។", en: "What was written goes, and cannot be brought back." }
    discard_yes() { unread km: "បាទ/ចាស បោះបង់", en: "Yes, discard it" }
    discarded() { unread km: "សេចក្តីព្រាងត្រូវបានបោះបង់។", en: "The draft was discarded." }
    saved() { unread km: "បានរក្សាទុក។", en: "Saved." }
    not_saved() { unread km: "ថាសមិនទទួល៖ មិនទាន់បានរក្សាទុកទេ។ អត្ថបទនៅលើទំព័រនេះ សូមព្យាយាមម្តងទៀតបន្តិចទៀត។", en: "The disk does not take it: it was not saved. Your text stands on this page; try again in a moment." }
    changed_elsewhere() { unread km: "ទម្រង់នេះត្រូវបានរក្សាទុកនៅកន្លែងផ្សេង បន្ទាប់ពីអ្នកបានបើកវា", en: "This form was saved elsewhere after you opened it" }
    changed_elsewhere_text() { unread km: "គ្មានអ្វីត្រូវបានសរសេរជាន់ទេ។ ខាងក្រោមមានទាំងពីរ៖ កែអ្វីដែលត្រូវកែ រួចរក្សាទុកម្តងទៀត។ អ្វីដែលនៅក្នុងទម្រង់គឺជារបស់អ្នក។", en: "Nothing was written over. Both stand below: mend what has to be mended, and save again. What stands in the form is yours." }
    elsewhere() { unread km: "នៅកន្លែងផ្សេង", en: "Elsewhere" }
    yours() { unread km: "របស់អ្នក", en: "Yours" }
    before() { unread km: "ពីមុន", en: "Before" }
    now() { unread km: "ឥឡូវ", en: "Now" }
    field() { unread km: "ចន្លោះ", en: "Field" }
    changes() { unread km: "អ្វីដែលផ្លាស់ប្តូរ", en: "What changes" }
    no_change() { unread km: "មិនទាន់មានអ្វីផ្លាស់ប្តូរទេ។", en: "Nothing changes yet." }
    more_changes(count: usize) { unread km: "និងការផ្លាស់ប្តូរ {count} ទៀត", en: "and {count} more changes" }
    review() { unread km: "ពិនិត្យចុងក្រោយ", en: "Check once more" }
    review_text() { unread km: "នេះជាអ្វីដែលនឹងត្រូវបានផ្ញើ។ វាមិនអាចយកមកវិញបានទេ ប៉ុន្តែអាចកែតម្រូវបាន។", en: "This is what will be sent. It cannot be taken back, but it can be corrected." }
    doubts() { unread km: "សូមមើលម្តងទៀត", en: "Look at these again" }
    doubts_text() { unread km: "តួលេខទាំងនេះមិនធម្មតា។ បើត្រឹមត្រូវ សូមសរសេរមូលហេតុខាងក្រោម។ បើខុស សូមត្រឡប់ទៅកែ។", en: "These figures are unusual. If they are right, say below why. If not, go back and mend them." }
    why() { unread km: "មូលហេតុ", en: "Why" }
    why_hint() { unread km: "មូលហេតុនៅក្នុងកំណត់ត្រារបស់ការិយាល័យ ហើយមិនត្រូវបានផ្ញើទេ", en: "It stays in the office's journal, and is not sent" }
    why_missing() { unread km: "សូមសរសេរមូលហេតុ", en: "Say why" }
    why_too_long(most: usize) { unread km: "មូលហេតុអាចមានត្រឹម {most} តួអក្សរ", en: "It may have {most} characters at most" }
    hand_in() { unread km: "ដាក់ជូន", en: "Hand in" }
    back_to_form() { unread km: "ត្រឡប់ទៅកែ", en: "Go back and mend" }
    handed_in() { unread km: "បានទទួលនៅទីនេះ។ វាចេញដោយខ្លួនឯង ពេលមានការតភ្ជាប់។", en: "It was accepted here. It leaves by itself when there is a connection." }
    already() { unread km: "ទម្រង់នេះត្រូវបានដាក់ជូនរួចហើយ។ ខាងក្រោមជាអ្វីដែលបានដាក់ជូន។", en: "This form was handed in already. Below is what was handed in." }
    corrects(id: &str) { unread km: "ការកែតម្រូវរបស់ {id}", en: "A correction of {id}" }
    mends(id: &str) { unread km: "ជំនួស {id} ដែលបានបដិសេធ", en: "In place of {id}, which was refused" }
    correct() { unread km: "កែតម្រូវ", en: "Correct it" }
    withdraw() { unread km: "ដកវិញ", en: "Withdraw it" }
    withdraw_sure() { unread km: "ដករបាយការណ៍នេះវិញមែនទេ?", en: "Withdraw this report?" }
    withdraw_text() { unread km: "អ្នកអានទាំងអស់នឹងត្រូវបានប្រាប់ថា វាលែងមានសុពលភាព។ វានៅតែមានក្នុងកំណត់ហេតុ។ មូលហេតុត្រូវបានផ្ញើទៅជាមួយ។", en: "All its readers are told that it no longer holds. It stays in the log. The reason is sent with it." }
    withdraw_yes() { unread km: "បាទ/ចាស ដកវិញ", en: "Yes, withdraw it" }
    withdraw_no() { unread km: "ទេ ទុកវា", en: "No, leave it" }
    asked() { unread km: "បានស្នើសុំការអនុម័ត។", en: "Approval was asked for." }
    ask_approval() { unread km: "ស្នើសុំការអនុម័ត", en: "Ask for approval" }
    approve() { unread km: "អនុម័ត និងដាក់ជូន", en: "Approve and hand in" }
    give_back() { unread km: "ប្រគល់ឱ្យវិញ", en: "Give back" }
    given_back() { unread km: "សេចក្តីព្រាងត្រូវបានប្រគល់ឱ្យវិញ។", en: "The draft was given back." }
    is_given_back() { unread km: "បានប្រគល់ឱ្យវិញ", en: "Given back" }
    waits_for_approval() { unread km: "រង់ចាំការអនុម័ត", en: "Waits for approval" }
    mend() { unread km: "បើក និងកែ", en: "Open and mend" }
}
