//! How somebody gets in.

use super::words;

words! {
    how_in() { unread km: "របៀបចូលទៅតុការងារ", en: "How to get to the desk" }
    how_in_text() { unread km: "កម្មវិធីរុករកនេះមិនទាន់ត្រូវបានស្គាល់ទេ។ សូមសុំអ្នកមើលការខុសត្រូវកុំព្យូទ័រវាយពាក្យបញ្ជានេះ ហើយបើកអាសយដ្ឋានដែលវាបង្ហាញ៖", en: "This browser is not known here yet. Ask the person who looks after this computer to type this command, and open the address that it shows:" }
    how_in_bound() { unread km: "អាសយដ្ឋាននោះប្រើបានតែម្តង ក្នុងរយៈពេល ១០ នាទី។", en: "The address is good once, for 10 minutes." }
    welcome() { unread km: "សូមស្វាគមន៍", en: "Welcome" }
    welcome_text() { unread km: "អាសយដ្ឋាននេះបើកតុការងាររបស់ការិយាល័យនេះ ក្នុងកម្មវិធីរុករកនេះ។", en: "This address opens the desk of this office in this browser." }
    own_computer() { unread km: "សូមបើកតែលើកុំព្យូទ័ររបស់ការិយាល័យប៉ុណ្ណោះ។", en: "Open it only on a computer of the office." }
    open() { unread km: "បើកតុការងារ", en: "Open the desk" }
    used_up() { unread km: "អាសយដ្ឋាននេះប្រើលែងបានហើយ", en: "This address is no longer good" }
    used_up_text() { unread km: "វាត្រូវបានប្រើរួចហើយ ឬហួស ១០ នាទី ឬមានអាសយដ្ឋានថ្មីជាងនេះ។ សូមវាយពាក្យបញ្ជាម្តងទៀត៖", en: "It was used, or is older than 10 minutes, or there is a newer one. Type the command again:" }
    sign_in() { unread km: "ចូល", en: "Sign in" }
    your_name() { unread km: "ឈ្មោះរបស់អ្នក", en: "Your name" }
    choose_name() { unread km: "សូមជ្រើសរើសឈ្មោះរបស់អ្នក", en: "Choose your name" }
    pin() { unread km: "លេខសម្ងាត់ (PIN)", en: "PIN" }
    pin_hint() { unread km: "លេខ ៦ ដល់ ១២ ខ្ទង់ ជាលេខខ្មែរ ឬលេខឡាតាំង", en: "6 to 12 digits, in Khmer or Latin numerals" }
    name_missing() { unread km: "សូមជ្រើសរើសឈ្មោះរបស់អ្នក", en: "Choose your name" }
    pin_wrong() { unread km: "ឈ្មោះ ឬលេខសម្ងាត់មិនត្រឹមត្រូវទេ", en: "The name or the PIN is not right" }
    pin_wait(seconds: u64) { unread km: "បានវាយខុសច្រើនដង។ សូមរង់ចាំ {seconds} វិនាទី ហើយព្យាយាមម្តងទៀត", en: "There were too many wrong PINs. Wait {seconds} seconds, then try again" }
    pin_forgotten() { unread km: "ភ្លេចលេខសម្ងាត់? សូមសុំអ្នកមើលការខុសត្រូវកុំព្យូទ័រដាក់លេខថ្មី៖", en: "PIN forgotten? Ask the person who looks after this computer to set a new one:" }
    reader() { unread km: "អ្នកអាន", en: "Reader" }
    clerk() { unread km: "មន្ត្រី", en: "Clerk" }
    chief() { unread km: "ប្រធាន", en: "Chief" }
}
