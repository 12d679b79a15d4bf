//! What stands on every page, and what several pages say.

use super::words;

words! {
    spean() { unread km: "ស្ពាន", en: "Spean" }
    desk() { unread km: "តុការងារ", en: "Desk" }
    skip() { unread km: "រំលងទៅខ្លឹមសារ", en: "Skip to the content" }
    menu() { unread km: "ម៉ឺនុយ", en: "Menu" }
    language() { unread km: "ភាសា", en: "Language" }
    home() { unread km: "ទំព័រដើម", en: "Home" }
    enter() { unread km: "ដាក់ជូន", en: "Hand in" }
    sent() { unread km: "បានដាក់ជូន", en: "Sent" }
    to_fix() { unread km: "ត្រូវកែ", en: "To fix" }
    received() { unread km: "បានទទួល", en: "Received" }
    acts() { unread km: "កំណត់ត្រាសកម្មភាព", en: "Journal" }
    help() { unread km: "ជំនួយ", en: "Help" }
    sign_out() { unread km: "ចាកចេញ", en: "Sign out" }
    you_are(name: &str) { unread km: "អ្នកគឺ {name}", en: "You are {name}" }
    to_fix_count(count: usize) { unread km: "មាន {count} ត្រូវកែ", en: "{count} to fix" }
    feed() { unread km: "ប្រភេទរបាយការណ៍", en: "Feed" }
    what() { unread km: "ខ្លឹមសារ", en: "Content" }
    when() { unread km: "ពេលវេលា", en: "When" }
    state() { unread km: "ស្ថានភាព", en: "State" }
    number() { unread km: "លេខ", en: "Number" }
    office() { unread km: "ការិយាល័យ", en: "Office" }
    id() { unread km: "លេខសម្គាល់", en: "Id" }
    code() { unread km: "លេខកូដ", en: "Code" }
    older() { unread km: "ចាស់ជាងនេះ", en: "Older" }
    newest() { unread km: "ថ្មីបំផុត", en: "Newest" }
    next_ones() { unread km: "បន្ទាប់", en: "Next" }
    pages() { unread km: "ទំព័រផ្សេងទៀត", en: "Other pages" }
    print() { unread km: "បោះពុម្ព", en: "Print" }
    back_to(page: &str) { unread km: "ត្រឡប់ទៅ {page}", en: "Back to {page}" }
    nothing_here() { unread km: "មិនទាន់មានអ្វីនៅទីនេះទេ។", en: "There is nothing here yet." }
    problem() { unread km: "មានបញ្ហា", en: "There is a problem" }
    not_found() { unread km: "រកមិនឃើញទំព័រនេះ", en: "Page not found" }
    not_found_text() { unread km: "គ្មានទំព័រតាមអាសយដ្ឋាននេះទេ។ សូមពិនិត្យអាសយដ្ឋាន ឬចាប់ផ្តើមពីទំព័រដើម។", en: "There is no page at this address. Check the address, or begin at Home." }
    form_old() { unread km: "ទំព័រនេះចាស់ហើយ", en: "This page is too old" }
    form_old_text() { unread km: "គ្មានអ្វីត្រូវបានផ្លាស់ប្តូរទេ។ សូមបើកទំព័រឡើងវិញ ហើយធ្វើម្តងទៀត។", en: "Nothing was changed. Open the page again, and do it once more." }
    too_large() { unread km: "ធំពេក", en: "Too large" }
    too_large_text() { unread km: "គ្មានអ្វីត្រូវបានផ្លាស់ប្តូរទេ។ សូមបំបែកវាជាផ្នែកតូចៗ ហើយធ្វើម្តងទៀត។", en: "Nothing was changed. Split it into smaller parts, and do it once more." }
    not_now() { unread km: "មិនអាចធ្វើបានទេ", en: "This cannot be done" }
    not_allowed() { unread km: "តួនាទីរបស់អ្នកមិនអាចធ្វើដូច្នេះទេ", en: "Your role may not do this" }
    not_allowed_text() { unread km: "គ្មានអ្វីត្រូវបានផ្លាស់ប្តូរទេ។ សូមសួរប្រធានការិយាល័យរបស់អ្នក។", en: "Nothing was changed. Ask the chief of your office." }
    disk_fails() { unread km: "ថាសរបស់កុំព្យូទ័រនេះមិនឆ្លើយតប", en: "This computer's disk does not answer" }
    disk_fails_text() { unread km: "អ្វីដែលបានទទួលមុននេះនៅតែមាន។ សូមរង់ចាំបន្តិច ហើយបើកទំព័រឡើងវិញ។ បើនៅតែដដែល សូមហៅអ្នកមើលការខុសត្រូវកុំព្យូទ័រ។", en: "What was accepted before is still there. Wait a moment and open the page again. If it stays so, call the person who looks after this computer." }
    kept_here() { unread km: "អ្វីៗទាំងអស់ត្រូវបានរក្សាទុកលើថាសរបស់កុំព្យូទ័រនេះ។", en: "Everything is kept on this computer's disk." }
}
